"""The report: one self-contained page for the meeting, from plain frames and texts."""

from patron.report.content import ReportContent
from patron.report.page import render, write_report

__all__ = ["ReportContent", "render", "write_report"]
