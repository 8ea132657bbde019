CREATE OR REPLACE FUNCTION attune.register_base(name text, digest text, width int) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_base attune.base;
BEGIN
    IF NOT coalesce(register_base.name <> '' AND length(register_base.name) <= 200
        AND register_base.digest ~ '^[0-9a-f]{64}$' AND register_base.width > 0, false) THEN
        PERFORM attune.refuse('bad_base', left(coalesce(register_base.name, 'null'), 40),
            'a base has a name of 1 to 200 characters, a SHA-256 of 64 hexadecimal digits and a width above 0', 'correct it');
    END IF;
    INSERT INTO attune.base (name, digest, width) VALUES (register_base.name, register_base.digest, register_base.width)
    ON CONFLICT DO NOTHING;
    SELECT b.* INTO v_base FROM attune.base b WHERE b.digest = register_base.digest;
    IF v_base.base_id IS NULL THEN
        PERFORM attune.refuse('base_mismatch', left(register_base.name, 40),
            format('that name belongs to base %s…, the digest is %s…',
                left((SELECT b.digest FROM attune.base b WHERE b.name = register_base.name), 8), left(register_base.digest, 8)),
            'register it under another name');
    ELSIF v_base.width <> register_base.width THEN
        PERFORM attune.refuse('base_mismatch', left(register_base.name, 40),
            format('base %s… is %s wide, not %s', left(v_base.digest, 8), v_base.width, register_base.width), 'check the folder');
    END IF;
    RETURN v_base.base_id;
END
$$;
COMMENT ON FUNCTION attune.register_base(text, text, int) IS 'Makes a base known; again under its digest: the base that is there, whatever name it was given first. Returns its id.';
