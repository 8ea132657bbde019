-- Who may call what registers bases, recipes and items; after the file that revokes everything first.
GRANT EXECUTE ON FUNCTION attune.register_base(text, text, int) TO attune_operator;
GRANT EXECUTE ON FUNCTION attune.register_recipe(text, text, text, text, jsonb, bytea), attune.catalogue_begin(),
    attune.catalogue_commit(text, text) TO attune_producer, attune_operator;
