-- Who may set flows and limits; after the file that revokes everything first.
GRANT EXECUTE ON FUNCTION attune.set_flow(text, text, real) TO attune_operator;
