"""How Sphinx builds the documentation; the API reference is written anew from what agrad exports."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import reference  # noqa: E402 - found beside this file

import agrad  # noqa: E402

project = "agrad"
author = "agrad developers"
copyright = "2026, agrad developers"
version = release = agrad.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.mathjax", "sphinx.ext.viewcode", "numpydoc"]
exclude_patterns = ["_build", "benchmarks_*.md", "ecosystem_table.md"]  # other pages include the latter two
default_role = "py:obj"
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the signature shows defaults, and the Parameters section says what each is
numpydoc_show_class_members = False

html_theme = "pydata_sphinx_theme"
html_title = "agrad"
html_theme_options = {"show_toc_level": 2, "navigation_with_keys": False, "secondary_sidebar_items": ["page-toc"]}
html_sidebars: dict[str, list[str]] = {page.stem: [] for page in HERE.glob("*.md")}  # the width is theirs
html_copy_source = False

reference.write(HERE / "reference" / "generated")
