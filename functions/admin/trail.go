package admin

// systemTrail is the trail of what belongs to no enterprise.
const systemTrail = "-"

// listAudit lists an enterprise's trail, oldest first. To follow it, ask again
// from shortly before the last record's time: records of one moment may come late.
func (o *Office) listAudit(r *request) error {
	e, err := o.enterprise(r)
	if err != nil {
		return err
	}
	return o.trail(r, e.ID)
}

func (o *Office) listSystemAudit(r *request) error { return o.trail(r, systemTrail) }

func (o *Office) trail(r *request, enterprise string) error {
	p, err := r.page("since")
	if err != nil {
		return err
	}
	since, err := r.since()
	if err != nil {
		return err
	}
	items, next, err := o.DB.Audit(r.Context(), enterprise, since, p)
	if err != nil {
		return err
	}
	return list(r, items, next)
}
