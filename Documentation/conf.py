# SPDX-License-Identifier: GPL-2.0
"""How Sphinx makes HTML of this folder: see kunit/boot/docs.sh."""

import os
import re
import sys

from docutils import nodes
from sphinx import addnodes

KERNEL = os.environ["srctree"]
TOP = os.path.abspath("..")

# The kernel's own extensions, out of the source that the tests have anyway.
sys.path.insert(0, os.path.join(KERNEL, "Documentation/sphinx"))
extensions = ["kerneldoc"]
kerneldoc_srctree = TOP

with open(os.path.join(TOP, "bytepool.c"), encoding="utf-8") as source:
    version = re.search(r'MODULE_VERSION\("(.*)"\)', source.read()).group(1)
release = version
project = "bytepool"
copyright = "the authors of bytepool"

primary_domain = "c"
highlight_language = "none"
# Qualifiers that Sphinx does not know.
c_id_attributes = ["__must_check", "__rcu"]
exclude_patterns = ["performance/notes.rst"]
html_theme = "alabaster"
html_theme_options = {"page_width": "1100px", "sidebar_width": "260px"}
html_copy_source = False


def link_functions(app, doctree):
    """Let function() in a paragraph lead to its description, if it has one."""
    for text in list(doctree.findall(nodes.Text)):
        if not isinstance(text.parent, nodes.paragraph):
            continue
        pieces = []
        for piece in re.split(r"(\w+\(\))", text.astext()):
            node = nodes.Text(piece)
            if piece.endswith("()") and len(piece) > 2:
                node = addnodes.pending_xref(
                    "", nodes.literal(piece, piece), refdomain="c",
                    reftype="func", reftarget=piece[:-2],
                    refdoc=app.env.docname)
            pieces.append(node)
        text.parent.replace(text, pieces)


def setup(app):
    """Called by Sphinx."""
    app.connect("doctree-read", link_functions)
