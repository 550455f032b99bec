package api

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/codes"
	"xiaobu/handlers"
	"xiaobu/store"
)

type estateRoom struct {
	ChatID  string `json:"chat_id"`
	Name    string `json:"name"`
	Status  string `json:"status" enum:"active,dismissed"`
	Members int    `json:"members" doc:"people in it; it holds 500"`
	ByCode  int    `json:"by_code" doc:"joins by code ever; codes let in 200"`
}

type estateDay struct {
	Day      string `json:"day" example:"2026-11-22"`
	Joins    int64  `json:"joins"`
	Contacts int64  `json:"contacts"`
}

type estateView struct {
	channelView
	StoreName   string       `json:"store_name"`
	Region      string       `json:"region"`
	StaffName   string       `json:"staff_name"`
	Status      string       `json:"status" enum:"live,nearly_full,full,dead,unused"`
	Groups      []estateRoom `json:"groups" nullable:"false"`
	Days        []estateDay  `json:"days" nullable:"false" doc:"the last 14 days, oldest first, today among them"`
	Joins       int64        `json:"joins"`
	Contacts    int64        `json:"contacts"`
	Scans       int64        `json:"scans" doc:"how often its page was opened"`
	LastJoin    *time.Time   `json:"last_join_at"`
	LastContact *time.Time   `json:"last_contact_at"`
	LastScan    *time.Time   `json:"last_scan_at"`
	AskedAt     *time.Time   `json:"asked_at" doc:"since when somebody is asked for a new group"`
}

func (s *server) viewEstate(c handlers.EstateCode, days []time.Time) estateView {
	v := estateView{channelView: s.viewChannel(c.Channel), StoreName: c.ShopName, Region: c.Region, StaffName: c.StaffName, Status: c.Status,
		Groups: []estateRoom{}, Joins: c.Joins.Total, Contacts: c.Contacts.Total, Scans: c.Scans,
		LastJoin: s.stamp(c.Joins.Last), LastContact: s.stamp(c.Contacts.Last), LastScan: s.stamp(c.LastScan), AskedAt: s.stamp(c.AskedAt)}
	for _, g := range c.Groups {
		v.Groups = append(v.Groups, estateRoom{g.ChatID, g.Name, g.Status, g.People, g.QRJoins})
	}
	for i, d := range days {
		v.Days = append(v.Days, estateDay{d.Format(time.DateOnly), onDay(c.Joins, i), onDay(c.Contacts, i)})
	}
	return v
}

func onDay(t store.CodeTraffic, i int) int64 {
	if i < len(t.Days) {
		return t.Days[i]
	}
	return 0
}

type estateFilter struct {
	Page
	Store  string `query:"store_id" maxLength:"64"`
	Region string `query:"region" maxLength:"100"`
	Status string `query:"status" enum:"live,nearly_full,full,dead,unused"`
	Format string `query:"format" enum:"json,csv" default:"json" doc:"csv: all codes in one table"`
}

func (s *server) estate() {
	o := op(http.MethodGet, "/channels/estate", "every code: where it hangs, its groups, and who comes by it", http.StatusOK)
	huma.Register(s.api, o, func(ctx context.Context, in *estateFilter) (*huma.StreamResponse, error) {
		after, err := in.number()
		if err != nil {
			return nil, err
		}
		f := handlers.EstateFilter{Shop: in.Store, Region: in.Region, Status: in.Status, Cursor: after, Limit: in.Limit + 1}
		if in.Format == "csv" {
			f.Cursor, f.Limit = 0, 0
		}
		codes, days, err := handlers.Estate(s.Store.Read(ctx), f, s.Now(), s.Zone)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		if in.Format == "csv" {
			data, err := estateCSV(codes, days, s)
			if err != nil {
				return nil, s.fail(ctx, err)
			}
			return &huma.StreamResponse{Body: func(ctx huma.Context) {
				ctx.SetHeader("Content-Type", "text/csv; charset=utf-8")
				ctx.SetHeader("Content-Disposition", `attachment; filename="codes.csv"`)
				_, _ = ctx.BodyWriter().Write(data) // the client may be gone
			}}, nil
		}
		page := paged(codes, in.Limit, func(c handlers.EstateCode) estateView { return s.viewEstate(c, days) }, func(c handlers.EstateCode) string { return idString(c.ID) })
		return s.asJSON(page.Body), nil
	})
}

// estateCSV is a table of codes with a column for each day's joins, for spreadsheets.
func estateCSV(estate []handlers.EstateCode, days []time.Time, s *server) ([]byte, error) {
	head := []string{"id", "name", "place", "purpose", "kind", "status", "alarm", "region", "store_id", "store_name", "staff", "staff_name",
		"groups", "joins", "contacts", "scans", "last_join_at", "last_scan_at", "url"}
	for _, d := range days {
		head = append(head, d.Format(time.DateOnly))
	}
	rows := [][]string{head}
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	at := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.In(s.Zone).Format(time.RFC3339)
	}
	for _, c := range estate {
		var groups []string
		for _, g := range c.Groups {
			groups = append(groups, fmt.Sprintf("%s %d/%d", g.Name, g.People, g.QRJoins))
		}
		row := []string{number(c.ID), c.Name, c.Place, c.Purpose, c.Kind, c.Status, c.Alarm, c.Region, c.ShopID, c.ShopName,
			c.Staff, c.StaffName, strings.Join(groups, "; "), number(c.Joins.Total), number(c.Contacts.Total), number(c.Scans),
			at(c.Joins.Last), at(c.LastScan), s.PublicURL + "/q/" + c.Code}
		for i := range days {
			row = append(row, number(onDay(c.Joins, i)+onDay(c.Contacts, i)))
		}
		rows = append(rows, row)
	}
	return codes.Table(rows)
}
