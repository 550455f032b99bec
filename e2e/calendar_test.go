package e2e

import (
	"net/http"
	"testing"
)

type slotView struct {
	At      string
	Local   string
	Weekday int
}

// What people say about days and hours is in force at once: in the forecast of a schedule, and
// for promotions that are planned.
func TestTheCalendarIsAskedAndChanged(t *testing.T) {
	r, _ := townRig(t)
	var forecast struct {
		CronFields string `json:"cron_fields"`
		Words      string
		Next       []slotView
		Dropped    []struct {
			slotView
			Reason string
		}
		Advice []struct{ Code string }
	}
	ask := func(cron string) {
		t.Helper()
		r.want(http.StatusOK, http.MethodPost, "/promotions/schedule", map[string]any{"schedule": map[string]any{"cron": cron}}, &forecast)
	}
	ask("每周一三五 10:00")
	if forecast.CronFields != "0 10 * * 1,3,5" || forecast.Words != "每周一、三、五 10:00" || len(forecast.Next) != 20 || len(forecast.Dropped) != 0 ||
		len(forecast.Advice) != 1 || forecast.Advice[0].Code != "congested" {
		t.Errorf("%+v", forecast)
	}
	second := forecast.Next[1]

	var promo struct {
		ID       string
		NextAt   string `json:"next_at"`
		Schedule struct {
			Cron       string
			CronFields string `json:"cron_fields"`
			Days       string
			Words      string
			WordsEN    string `json:"words_en"`
		}
	}
	r.want(http.StatusCreated, http.MethodPost, "/promotions", with(func(p map[string]any) {
		p["schedule"] = map[string]any{"cron": "每周一三五 10:00", "starts_on": second.Local[:10]}
	}), &promo)
	if s := promo.Schedule; promo.NextAt != second.At || s.Cron != "每周一三五 10:00" || s.CronFields != "0 10 * * 1,3,5" || s.Days != "all" ||
		s.WordsEN != "every Monday, Wednesday and Friday at 10:00" {
		t.Errorf("%+v", promo)
	}

	var shown map[string]any
	r.want(http.StatusOK, http.MethodGet, "/promotions/"+promo.ID, nil, &shown)
	r.want(http.StatusOK, http.MethodPost, "/promotions/schedule", map[string]any{"schedule": shown["schedule"]}, &forecast)
	if forecast.Next[0].At != promo.NextAt {
		t.Errorf("what is shown of a schedule, asked about: %+v", forecast.Next[0])
	}
	r.want(http.StatusOK, http.MethodGet, "/promotions/"+promo.ID+"/schedule", nil, &forecast)
	if len(forecast.Next) != 20 || forecast.Next[0].At != promo.NextAt {
		t.Errorf("a promotion's own schedule: %+v", forecast.Next[0])
	}

	var moved struct {
		Date, Kind, Name, Source string
		Moved                    int
	}
	day := "/calendar/days/" + second.Local[:10]
	r.want(http.StatusOK, http.MethodPut, day, map[string]any{"kind": "blackout", "name": "盘点"}, &moved)
	ask("每周一三五 10:00")
	if moved.Moved != 1 || moved.Source != "company" || len(forecast.Dropped) != 1 || forecast.Dropped[0].Local != second.Local || forecast.Dropped[0].Reason != "公司停发日:盘点" {
		t.Errorf("%+v, then %+v", moved, forecast)
	}
	before := promo.NextAt
	r.want(http.StatusOK, http.MethodGet, "/promotions/"+promo.ID, nil, &promo)
	if promo.NextAt == before {
		t.Errorf("it is still to be posted at %s", before)
	}
	r.want(http.StatusNoContent, http.MethodDelete, day, nil, nil)
	r.want(http.StatusOK, http.MethodGet, "/promotions/"+promo.ID, nil, &promo)
	if promo.NextAt != before {
		t.Errorf("it is to be posted at %s, want %s again", promo.NextAt, before)
	}

	var quiet struct {
		From, To string
		Moved    int
	}
	r.want(http.StatusOK, http.MethodPut, "/calendar/quiet", map[string]any{"from": "22:00", "to": "08:00"}, &quiet)
	r.want(http.StatusOK, http.MethodGet, "/calendar/quiet", nil, &quiet)
	if quiet.From != "22:00" || quiet.To != "08:00" {
		t.Errorf("%+v", quiet)
	}
	r.want(http.StatusOK, http.MethodPut, "/calendar/quiet", map[string]any{}, &quiet)
	quiet.From, quiet.To = "", ""
	r.want(http.StatusOK, http.MethodGet, "/calendar/quiet", nil, &quiet)
	if quiet.From != "" || quiet.To != "" {
		t.Errorf("%+v", quiet)
	}
}

func TestTheCalendarIsListed(t *testing.T) {
	r, _ := townRig(t)
	var page struct {
		Items []struct{ Date, Kind, Name, Source string }
		Next  string `json:"next_cursor"`
		From  string `json:"known_from"`
		Until string `json:"known_until"`
	}
	r.want(http.StatusOK, http.MethodPut, "/calendar/days/2026-10-05", map[string]any{"kind": "workday"}, nil)
	path := "/calendar?from=2026-10-01&to=2026-10-31&limit=5"
	r.want(http.StatusOK, http.MethodGet, path, nil, &page)
	if len(page.Items) != 5 || page.Items[4].Source != "company" || page.Items[0].Name != "国庆节" || page.Until != "2026-12-31" || page.Next == "" {
		t.Errorf("%+v", page)
	}
	r.want(http.StatusOK, http.MethodGet, path+"&cursor="+page.Next, nil, &page)
	if len(page.Items) != 3 || page.Items[2].Date != "2026-10-10" || page.Items[2].Kind != "workday" || page.Next != "" {
		t.Errorf("%+v", page)
	}
	for path, where := range map[string]string{"/calendar?from=2026-02-30": "2026-02-30", "/calendar?from=2026-01-01&to=2028-01-01": "366", "/calendar?cursor=x": "cursor"} {
		r.refusal(http.StatusUnprocessableEntity, where, http.MethodGet, path, nil)
	}
	r.refusal(http.StatusUnprocessableEntity, "date", http.MethodPut, "/calendar/days/2026-02-30", map[string]any{"kind": "holiday"})
	r.refusal(http.StatusUnprocessableEntity, "kind", http.MethodPut, "/calendar/days/2026-12-24", map[string]any{"kind": "feast"})
	r.refusal(http.StatusNotFound, "", http.MethodDelete, "/calendar/days/2026-12-25", nil)
	r.refusal(http.StatusUnprocessableEntity, "to", http.MethodPut, "/calendar/quiet", map[string]any{"from": "22:00", "to": "22:00"})
	r.refusal(http.StatusUnprocessableEntity, "from", http.MethodPut, "/calendar/quiet", map[string]any{"to": "22:00"})
	r.refusal(http.StatusUnprocessableEntity, "每周一三五", http.MethodPost, "/promotions/schedule", map[string]any{"schedule": map[string]any{"cron": "每周八 10:00"}})
}
