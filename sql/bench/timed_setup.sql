-- A tenant whose jobs take their cost in time, in chunks of 200 ms of a reference worker. Run as a script.
SELECT attune.create_tenant('timed');
INSERT INTO attune.base (digest, name, width) VALUES (repeat('7e', 32), 'timed', 1);
INSERT INTO attune.recipe (base_id, kind_id, digest, name, byte_count)
SELECT b.base_id, k.kind_id, repeat('7f', 32), 'timed', 1 FROM attune.base b, attune.kind k WHERE b.name = 'timed' AND k.name = 'adapt';
SELECT attune.promote('timed', 'timed');
SELECT attune.activate_recipe('timed', repeat('7f', 32));
UPDATE attune.setting SET chunk_cost_ms = 200;
SELECT attune.set_lanes(64);
