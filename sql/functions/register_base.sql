CREATE OR REPLACE FUNCTION attune.register_base(name text, digest text, width int) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_name text;
BEGIN
    INSERT INTO attune.base (name, digest, width) VALUES (register_base.name, register_base.digest, register_base.width)
    ON CONFLICT DO NOTHING;
    SELECT b.name INTO v_name FROM attune.base b WHERE b.digest = register_base.digest;
    IF v_name IS NULL THEN
        PERFORM attune.refuse('already_exists', left(register_base.name, 40),
            format('a base of that name has digest %s, this one has %s',
                (SELECT left(b.digest, 8) FROM attune.base b WHERE b.name = register_base.name), left(register_base.digest, 8)),
            'register it under another name');
    END IF;
    RETURN v_name;
END
$$;
COMMENT ON FUNCTION attune.register_base(text, text, int) IS 'Registers a frozen model by its digest. Returns the name that the digest is registered under, which is the older one if it was there before.';
