package reconcile

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// people takes up those whose devices and accounts have not got the access that
// their rows ask for, and leavers whose grace is over.
func (s *Sweeper) people(ctx context.Context, sum *Summary) error {
	for range maxBatches {
		rows, damaged, err := s.DB.PeopleDue(ctx, s.Now(), batch)
		s.damaged(ctx, "people", damaged)
		if err != nil || len(rows) == 0 {
			return err
		}
		results := make([]Summary, len(rows))
		g, gctx := errgroup.WithContext(ctx)
		g.SetLimit(workers)
		for i, row := range rows {
			g.Go(func() error {
				res, err := s.Settler.Settle(gctx, row.Enterprise, row.Key, false)
				switch {
				case err != nil:
				case res.Settled:
					results[i].Settled = 1
				default:
					results[i].Unsettled = 1
				}
				return err
			})
		}
		err = g.Wait()
		for _, r := range results {
			sum.Settled += r.Settled
			sum.Unsettled += r.Unsettled
		}
		if err != nil || len(rows)+damaged < batch {
			return err
		}
	}
	return nil
}
