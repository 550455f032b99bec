package rehearse

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"xiaobu/configs"
	"xiaobu/sandbox"
)

// The size that a rehearsal must live through a week of in less than a minute on two cores.
const (
	benchGroups  = 100
	benchMembers = 200
	benchOwners  = 20
	benchLimit   = time.Minute
)

// many is a company of many groups whose members came within the last sixty days, with
// three promotions.
func many(t testing.TB, groups, members, owners int) configs.Config {
	t.Helper()
	r := newRig(t, "sqlite:"+filepath.Join(t.TempDir(), "xiaobu.db"))
	for i := range owners {
		must(t, r.box.AddStaff(sandbox.Staff{UserID: fmt.Sprint("owner", i), Name: fmt.Sprint("小布", i)}))
	}
	now := r.clock.now()
	for i := range groups {
		owner := fmt.Sprint("owner", i%owners)
		g := sandbox.Group{ID: fmt.Sprintf("wr%03d", i), Name: fmt.Sprintf("%d群", i), Owner: owner, CreatedAt: now.AddDate(0, 0, -60),
			History: []sandbox.Stay{{User: owner, Joined: now.AddDate(0, 0, -60), Scene: sandbox.SceneDirect}}}
		for k := range members {
			id, err := r.box.AddCustomer(sandbox.Customer{Name: fmt.Sprint("客户", k), WithUnionID: true})
			must(t, err)
			at := now.AddDate(0, 0, -60).Add(time.Duration(k+1) * 60 * 24 * time.Hour / time.Duration(members+1)).Truncate(time.Second)
			g.History = append(g.History, sandbox.Stay{User: id, Joined: at, Scene: sandbox.SceneDirect, Inviter: owner})
		}
		must(t, r.box.PlantGroup(g))
	}
	must(t, r.app.BringIn(context.Background()))
	r.until(now.Add(time.Hour))
	r.promote("周一三五秒杀", "0 10 * * 1,3,5", nil)
	r.promote("每日预告", "0 17 * * *", nil)
	r.promote("周末专场", "0 10 * * 6", nil)
	r.close()
	return r.conf
}

// go test ./rehearse -bench Week -benchtime 1x
func BenchmarkWeekOf100GroupsWith200Members(b *testing.B) {
	c := many(b, benchGroups, benchMembers, benchOwners)
	o := options(b, c)
	o.From = monday
	for b.Loop() {
		o.Dir = b.TempDir()
		began := time.Now()
		rep := run(b, o)
		if took := time.Since(began); took > benchLimit {
			b.Errorf("took %s, at most %s is allowed", took, benchLimit)
		}
		if rep.Totals.Sent == 0 || rep.Totals.Joins < benchGroups {
			b.Errorf("an idle week: %+v", rep.Totals)
		}
	}
}
