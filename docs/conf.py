"""Sphinx's configuration. The reference and the pages of the examples are generated at each build."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import gallery  # noqa: E402 - found beside this file
import reference  # noqa: E402

import agrad  # noqa: E402

project = "agrad"
author = "agrad developers"
copyright = "2026, agrad developers"
version = release = agrad.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_design",
    "mathml",  # beside this file
]
# The last three are included by other pages.
exclude_patterns = ["_build", "benchmarks_*.md", "*_table.md"]
default_role = "py:obj"
smartquotes_action = "qe"  # quotes and ellipses; two hyphens stay what they are, as in --device
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

toc_object_entries_show_parents = "hide"
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the signature shows defaults, and the Parameters section says what each is
numpydoc_show_class_members = False
copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True

html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_title = "agrad"
html_static_path = ["_static"]
html_css_files = ["agrad.css"]
html_theme_options = {
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": True,
}
html_sidebars: dict[str, list[str]] = {page: [] for page in ("index", "gallery", "comparison", "examples/*")}
html_copy_source = False
html_show_sourcelink = False

reference.write(HERE / "reference" / "generated")
gallery.write(HERE / "examples")
