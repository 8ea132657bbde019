-- What operators change by hand, each in one row of a small table; nothing that jobs do.
CREATE OR REPLACE TRIGGER audit AFTER INSERT OR UPDATE ON attune.active_base
    FOR EACH ROW EXECUTE FUNCTION attune.note_change('promote');
CREATE OR REPLACE TRIGGER audit AFTER INSERT OR UPDATE ON attune.active_recipe
    FOR EACH ROW EXECUTE FUNCTION attune.note_change('activate_recipe', 'base_id', 'kind_id');
CREATE OR REPLACE TRIGGER audit AFTER INSERT OR UPDATE ON attune.setting
    FOR EACH ROW EXECUTE FUNCTION attune.note_change('set');
CREATE OR REPLACE TRIGGER audit AFTER INSERT OR UPDATE ON attune.tenant
    FOR EACH ROW EXECUTE FUNCTION attune.note_change('tenant');
CREATE OR REPLACE TRIGGER audit AFTER INSERT OR UPDATE ON attune.tenant_role
    FOR EACH ROW EXECUTE FUNCTION attune.note_change('map_role', 'role_name');
CREATE OR REPLACE TRIGGER audit AFTER UPDATE OF weight ON attune.flow
    FOR EACH ROW WHEN (OLD.weight <> NEW.weight) EXECUTE FUNCTION attune.note_change('set_flow', 'name');
CREATE OR REPLACE TRIGGER audit_start AFTER INSERT ON attune.campaign
    FOR EACH ROW EXECUTE FUNCTION attune.note_change('campaign', 'campaign_id');
CREATE OR REPLACE TRIGGER audit AFTER UPDATE OF state ON attune.campaign
    FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION attune.note_change('campaign', 'campaign_id');
CREATE OR REPLACE TRIGGER audit AFTER UPDATE OF erased_at ON attune."user"
    FOR EACH ROW WHEN (OLD.erased_at IS NULL AND NEW.erased_at IS NOT NULL) EXECUTE FUNCTION attune.note_change('erase_user', 'uid');
CREATE OR REPLACE TRIGGER audit AFTER UPDATE OF state ON attune.worker
    FOR EACH ROW WHEN (OLD.state <> NEW.state AND NEW.state = 'paused' OR OLD.state = 'paused' AND NEW.state = 'active')
    EXECUTE FUNCTION attune.note_change('worker', 'worker_id');
CREATE OR REPLACE TRIGGER audit AFTER INSERT OR UPDATE OF max_running, rate, is_paused, reason ON attune.tenant_limit
    FOR EACH ROW EXECUTE FUNCTION attune.note_change('limit', 'kind_id');
