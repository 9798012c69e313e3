"""The ground floor: errors, money, calendar, files, progress. Imports nothing of ours."""
