"""Sphinx configuration. The build reads no network: mathematics is rendered here, nothing is linked
to other projects' inventories."""

import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

project = "flowlab"
author = "flowlab contributors"
project_copyright = "2026, flowlab contributors"
release = tomllib.loads((HERE.parent / "pyproject.toml").read_text())["project"]["version"]
version = ".".join(release.split(".")[:2])

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "figures",
    "mathml",
    "rooms",
]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "_ext", "_performance_table.md"]
html_math_renderer = "mathml"

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
myst_dmath_double_inline = True

napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
napoleon_preprocess_types = False

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 88
add_module_names = False

# References to other projects and private types stay plain text; one to a public
# name of flowlab that leads nowhere is an error.
nitpick_ignore_regex = [
    (r"py:.*", r"(?!\.?~?flowlab\b).*"),
    (r"py:.*", r"flowlab(\.\w+)*\._\w+(\.\w+)*"),
]

html_theme = "furo"
html_title = f"flowlab {version}"
html_static_path = ["_static"]
html_css_files = ["flowlab.css"]
html_theme_options = {"navigation_with_keys": True}
pygments_style = "friendly"
