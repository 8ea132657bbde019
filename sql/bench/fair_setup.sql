-- A base and a recipe for tenants whose jobs take their cost in time, and 64 lanes. Run as a script.
INSERT INTO attune.base (digest, name, width) VALUES (repeat('fa', 32), 'fair', 1);
INSERT INTO attune.recipe (base_id, kind_id, digest, name, byte_count)
SELECT b.base_id, k.kind_id, repeat('fb', 32), 'fair', 1 FROM attune.base b, attune.kind k WHERE b.name = 'fair' AND k.name = 'adapt';
SELECT attune.set_lanes(64);
