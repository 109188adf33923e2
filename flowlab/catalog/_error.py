"""The error of files that are no catalogs."""


class CatalogError(ValueError):
    """A file cannot be read as a catalog; the message says why and what to do.

    Example:
        >>> import pathlib, tempfile
        >>> from flowlab.catalog import Catalog, CatalogError
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "catalog.json")
        ...     _ = path.write_text('{"schema_version": 7}')
        ...     try:
        ...         Catalog.from_json(path)
        ...     except CatalogError as error:
        ...         str(error).endswith("(schema 7; this one reads up to 1): upgrade flowlab.")
        True
    """
