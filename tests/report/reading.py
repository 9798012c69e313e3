"""Reading a page as strictly as no browser does."""

from html.parser import HTMLParser

VOID = {"meta", "img", "br", "hr", "link", "input"}


class Reader(HTMLParser):
    """Reads a page strictly: every element closed in order, every attribute kept, tables by caption."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.open, self.elements, self.tables, self.text = [], [], {}, []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        names = [name for name, _ in attributes]
        assert len(names) == len(set(names))
        self.elements.append((tag, dict(attributes)))
        if tag == "table":
            self.rows = []
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag == "caption":
            self.caption = ""
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        if tag == "table":
            self.tables[self.caption] = self.rows

    def handle_data(self, data):
        if not {"style", "script"} & set(self.open):
            self.text.append(data)
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data
        elif "caption" in self.open:
            self.caption += data

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def table(self, caption):
        return next(rows for name, rows in self.tables.items() if caption in name)
