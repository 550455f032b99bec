package api

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/handlers"
	"xiaobu/promotions"
	"xiaobu/store"
)

type missedBody struct {
	Policy string `json:"policy,omitempty" enum:",skip,send_within,next_slot" doc:"of a slot that was missed: skip, send_within (send it late) or next_slot (leave it to the next); left out: send_within"`
	Within string `json:"within,omitempty" doc:"how late send_within may be, 1m to 24h; left out: 30m"`
}

type hoursBody struct {
	From string `json:"from,omitempty" example:"22:00" doc:"neither from nor to: none"`
	To   string `json:"to,omitempty" doc:"excluded; may be on the next day" example:"08:00"`
}

type scheduleBody struct {
	Cron     string     `json:"cron" doc:"minute hour day month weekday, or words such as 每周一三五 10:00, 工作日 10:10, 每月最后一天 9:30 or mon,wed,fri 10:00; L is the last day of a month" example:"0 10 * * 1,3,5"`
	Timezone string     `json:"timezone,omitempty" doc:"IANA name; left out: the configured one"`
	StartsOn *string    `json:"starts_on,omitempty" nullable:"true" example:"2026-11-23"`
	EndsOn   *string    `json:"ends_on,omitempty" nullable:"true" doc:"the last day, included"`
	Days     string     `json:"days,omitempty" enum:",all,workdays,no_holidays,holidays" doc:"on which days, by the calendar; left out: all, or what the words of cron say"`
	Blackout []string   `json:"blackout,omitempty" doc:"days without it: 2026-12-24 or 2026-12-24/2026-12-26"`
	Quiet    *hoursBody `json:"quiet,omitempty" doc:"hours without it; left out: the company's"`
	Missed   missedBody `json:"missed,omitempty"`

	// What answers say besides may be sent back with the rest.
	CronFields string `json:"cron_fields,omitempty" readOnly:"true"`
	Words      string `json:"words,omitempty" readOnly:"true"`
	WordsEN    string `json:"words_en,omitempty" readOnly:"true"`
}

type selectionBody struct {
	ChatIDs []string `json:"chat_ids,omitempty"`
	Labels  []string `json:"labels,omitempty"`
	Stores  []string `json:"stores,omitempty"`
	Owners  []string `json:"owners,omitempty"`
}

type targetsBody struct {
	ChatIDs  []string      `json:"chat_ids,omitempty"`
	Labels   []string      `json:"labels,omitempty"`
	Stores   []string      `json:"stores,omitempty"`
	Owners   []string      `json:"owners,omitempty"`
	All      bool          `json:"all,omitempty"`
	Exclude  selectionBody `json:"exclude,omitempty" doc:"what is left out again"`
	AppChats []string      `json:"app_chats,omitempty" doc:"staff chats that the app owns"`
	Robots   []string      `json:"robots,omitempty" doc:"robots of internal groups, by id"`
}

type linkBody struct {
	URL string `json:"url,omitempty" doc:"where it leads; {code} in it becomes the link's code, so that the shop can report its orders with it; empty: {code} is only for the page of a mini-program" example:"https://shop.example.com/sale?from={code}"`
	Per string `json:"per,omitempty" enum:",promotion,owner,store,group" doc:"what has a link of its own; each makes tasks of its own for owners to confirm; left out: owner"`
}

type productBody struct {
	Name     string `json:"name"`
	PriceFen int64  `json:"price_fen"`
	WasFen   int64  `json:"was_fen,omitempty"`
	Stock    *int64 `json:"stock,omitempty" doc:"how many there are; left out: not said; 0: sold out, and not named"`
	Limit    int64  `json:"limit,omitempty" doc:"how many each person may buy; left out: any number"`
	ImageURL string `json:"image_url,omitempty" doc:"its picture, which is attached while there are fewer than 9 attachments"`
	Media    string `json:"media,omitempty" doc:"the same, as the id of an image in the library"`
}

// contentBody is what a promotion says.
type contentBody struct {
	Text        string           `json:"text,omitempty" maxLength:"20000"`
	Attachments []attachmentBody `json:"attachments,omitempty" maxItems:"50"`
	TextID      string           `json:"text_id,omitempty" doc:"a text of the library that is taken over as it is now, in the place of text and attachments"`
}

type promotionBody struct {
	Name          string        `json:"name"`
	Schedule      scheduleBody  `json:"schedule"`
	Targets       targetsBody   `json:"targets"`
	Message       contentBody   `json:"message"`
	Products      []productBody `json:"products,omitempty"`
	Link          *linkBody     `json:"link,omitempty" doc:"what {link} stands for in the text and in attachments' url, and {code} in a mini-program's page; clicks are counted"`
	ConfirmWithin string        `json:"confirm_within,omitempty" doc:"how long owners may confirm, 10m to 72h; left out: 12h" example:"4h"`
	Approval      bool          `json:"approval,omitempty" doc:"nothing is posted until somebody else than by agreed; the setting promotions.second_person demands that of all"`
	By            string        `json:"by,omitempty" doc:"who writes this; required where a second person has to agree" example:"anna"`
}

// spec reads a promotion. What it takes over from a text of the library is in it then.
func (s *server) spec(ctx context.Context, b promotionBody) (store.PromotionSpec, error) {
	spec, err := b.spec()
	if err != nil || b.Message.TextID == "" {
		return spec, err
	}
	if b.Message.Text != "" || len(b.Message.Attachments) > 0 {
		return spec, handlers.Invalidf("message.text_id", "is given beside text or attachments; want one or the other")
	}
	spec.Message, err = s.Phrases.Message(ctx, "message.text_id", b.Message.TextID)
	return spec, err
}

// spec is a promotion without what a text of the library says; see server.spec.
func (b promotionBody) spec() (store.PromotionSpec, error) {
	s := store.PromotionSpec{Name: b.Name, Schedule: b.Schedule.spec(), Message: messageBody{b.Message.Text, b.Message.Attachments}.message(), ConfirmWithin: b.ConfirmWithin, Approval: b.Approval}
	var err error
	if s.Targets, err = b.Targets.spec(); err != nil {
		return s, err
	}
	if b.Link != nil {
		s.Link = &store.LinkSpec{URL: b.Link.URL, Per: b.Link.Per}
	}
	for _, p := range b.Products {
		s.Products = append(s.Products, store.Product(p))
	}
	return s, nil
}

func (t targetsBody) spec() (store.TargetSpec, error) {
	s := store.TargetSpec{Selection: store.Selection{ChatIDs: t.ChatIDs, Labels: t.Labels, Stores: t.Stores, Owners: t.Owners},
		All: t.All, Exclude: store.Selection(t.Exclude), AppChats: t.AppChats}
	for i, id := range t.Robots {
		n, err := strconv.ParseInt(id, 10, 64)
		if err != nil {
			return s, handlers.Invalidf(fmt.Sprintf("targets.robots[%d]", i), "%q is no id of a robot", id)
		}
		s.Robots = append(s.Robots, n)
	}
	return s, nil
}

func (b scheduleBody) spec() store.ScheduleSpec {
	s := store.ScheduleSpec{Cron: b.Cron, Timezone: b.Timezone, Days: b.Days, Blackout: b.Blackout, Missed: store.MissedSpec(b.Missed)}
	if b.StartsOn != nil {
		s.StartsOn = *b.StartsOn
	}
	if b.EndsOn != nil {
		s.EndsOn = *b.EndsOn
	}
	if b.Quiet != nil {
		s.Quiet = &store.Hours{From: b.Quiet.From, To: b.Quiet.To}
	}
	return s
}

type scheduleView struct {
	Cron       string     `json:"cron"`
	CronFields string     `json:"cron_fields" doc:"what the words of cron mean"`
	Words      string     `json:"words" doc:"when it comes, in Chinese"`
	WordsEN    string     `json:"words_en"`
	Timezone   string     `json:"timezone"`
	StartsOn   *string    `json:"starts_on"`
	EndsOn     *string    `json:"ends_on"`
	Days       string     `json:"days" enum:"all,workdays,no_holidays,holidays"`
	Blackout   []string   `json:"blackout" nullable:"false"`
	Quiet      *hoursBody `json:"quiet"`
	Missed     missedBody `json:"missed"`
}

type selectionView struct {
	ChatIDs []string `json:"chat_ids" nullable:"false"`
	Labels  []string `json:"labels" nullable:"false"`
	Stores  []string `json:"stores" nullable:"false"`
	Owners  []string `json:"owners" nullable:"false"`
}

type targetsView struct {
	ChatIDs  []string      `json:"chat_ids" nullable:"false"`
	Labels   []string      `json:"labels" nullable:"false"`
	Stores   []string      `json:"stores" nullable:"false"`
	Owners   []string      `json:"owners" nullable:"false"`
	All      bool          `json:"all"`
	Exclude  selectionView `json:"exclude"`
	AppChats []string      `json:"app_chats" nullable:"false"`
	Robots   []string      `json:"robots" nullable:"false"`
}

type contentView struct {
	Text        string           `json:"text"`
	Attachments []attachmentBody `json:"attachments" nullable:"false"`
}

type promotionView struct {
	ID            string        `json:"id"`
	Status        string        `json:"status" enum:"active,paused,ended,proposed,rejected" doc:"proposed: waits for a second person"`
	Name          string        `json:"name"`
	Schedule      scheduleView  `json:"schedule"`
	Targets       targetsView   `json:"targets"`
	Message       contentView   `json:"message"`
	Products      []productBody `json:"products" nullable:"false"`
	Link          *linkBody     `json:"link"`
	ConfirmWithin string        `json:"confirm_within"`
	NextAt        *time.Time    `json:"next_at"`
	Approval      bool          `json:"approval"`
	Version       int64         `json:"version" doc:"counts how often it was written, from 1"`
	By            string        `json:"by" doc:"who wrote this version; api: nobody was named"`
	ApprovedBy    *string       `json:"approved_by" doc:"who else agreed to this version"`
	UpdatedAt     *time.Time    `json:"updated_at"`
	// Preflight is null where nothing is to come, or nobody has looked yet.
	Preflight *preflightView `json:"preflight"`
}

func (s *server) viewPromotion(p store.Promotion) promotionView {
	v := promotionView{ID: idString(p.ID), Status: p.Status, Name: p.Spec.Name, NextAt: s.stamp(p.NextAt), Products: []productBody{},
		Schedule: viewSchedule(p.Spec.Schedule), Targets: viewTargets(p.Spec.Targets), ConfirmWithin: p.Spec.ConfirmWithin,
		Approval: p.Spec.Approval, Version: p.Version, By: p.By, ApprovedBy: text(p.ApprovedBy), UpdatedAt: s.stamp(p.UpdatedAt)}
	v.Message.Text, v.Message.Attachments = p.Spec.Message.Text, viewAttachments(p.Spec.Message.Attachments)
	for _, pr := range p.Spec.Products {
		v.Products = append(v.Products, productBody(pr))
	}
	if l := p.Spec.Link; l != nil {
		v.Link = &linkBody{URL: l.URL, Per: l.Per}
	}
	return v
}

func viewSchedule(s store.ScheduleSpec) scheduleView {
	d := promotions.Describe(s)
	v := scheduleView{Cron: s.Cron, CronFields: d.Fields, Words: d.Chinese, WordsEN: d.English, Timezone: s.Timezone, StartsOn: text(s.StartsOn), EndsOn: text(s.EndsOn), Days: d.Days, Blackout: some(s.Blackout), Missed: missedBody(s.Missed)}
	if s.Quiet != nil {
		v.Quiet = &hoursBody{From: s.Quiet.From, To: s.Quiet.To}
	}
	return v
}

func viewTargets(t store.TargetSpec) targetsView {
	v := targetsView{ChatIDs: some(t.ChatIDs), Labels: some(t.Labels), Stores: some(t.Stores), Owners: some(t.Owners), All: t.All,
		Exclude: viewSelection(t.Exclude), AppChats: some(t.AppChats), Robots: []string{}}
	for _, id := range t.Robots {
		v.Robots = append(v.Robots, idString(id))
	}
	return v
}

func viewSelection(s store.Selection) selectionView {
	return selectionView{ChatIDs: some(s.ChatIDs), Labels: some(s.Labels), Stores: some(s.Stores), Owners: some(s.Owners)}
}

// some is never null.
func some(v []string) []string {
	if v == nil {
		return []string{}
	}
	return v
}

type runBody struct {
	_     struct{} `nullable:"true"`
	Force bool     `json:"force,omitempty" doc:"post it although the pre-flight says that it cannot go out"`
	By    string   `json:"by,omitempty" maxLength:"64" doc:"who does this; left out: api"`
}

type occurrenceView struct {
	At     *time.Time `json:"at"`
	Status string     `json:"status" enum:"planned,running,done,missed,skipped"`
	Reason *string    `json:"reason"`
	DoneAt *time.Time `json:"done_at"`
}

func (s *server) viewOccurrence(o store.Occurrence) occurrenceView {
	return occurrenceView{At: s.stamp(o.At), Status: o.Status, Reason: text(o.Reason), DoneAt: s.stamp(o.DoneAt)}
}

type deliveryView struct {
	ID          string     `json:"id"`
	At          *time.Time `json:"at"`
	ChatID      string     `json:"chat_id" doc:"of an outlet: the app chat, or robot:ID"`
	Owner       string     `json:"owner" doc:"empty for an outlet"`
	Outlet      string     `json:"outlet" enum:",app_chat,robot" doc:"a staff chat, which needs nobody to confirm; empty for a group"`
	MsgID       *string    `json:"msgid"`
	Status      string     `json:"status" enum:"planned,submitted,sent,failed,unsent,cancelled,blocked"`
	Code        int        `json:"code" doc:"0: none; 2 and 3: WeCom's result for the group; 100 to 199: our own reasons; others: WeCom's error"`
	Reason      *string    `json:"reason"`
	SubmittedAt *time.Time `json:"submitted_at"`
	SentAt      *time.Time `json:"sent_at"`
	Reminders   int        `json:"reminders"`
}

func (s *server) viewDelivery(d store.DeliveryView) deliveryView {
	return deliveryView{ID: idString(d.ID), At: s.stamp(d.At), ChatID: d.ChatID, Owner: d.Owner, Outlet: d.Outlet, MsgID: text(d.MsgID), Status: d.Status, Code: d.Code,
		Reason: text(d.Reason), SubmittedAt: s.stamp(d.SubmittedAt), SentAt: s.stamp(d.SentAt), Reminders: d.Reminders}
}

func (s *server) promotions() {
	type create struct {
		Keyed
		Body promotionBody
	}
	huma.Register(s.api, op(http.MethodPost, "/promotions", "plan a promotion", http.StatusCreated), func(ctx context.Context, in *create) (*result[promotionView], error) {
		p, err := once(ctx, s, "POST /promotions", in.Keyed, in.Body, func(remember handlers.Remember) (store.Promotion, error) {
			spec, err := s.spec(ctx, in.Body)
			if err != nil {
				return store.Promotion{}, err
			}
			return s.Promotions.As(in.Body.By).Create(ctx, spec, remember)
		}, func(id string) (store.Promotion, error) { return s.promotion(ctx, id) })
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return s.answerPromotion(ctx, p)
	})
	huma.Register(s.api, op(http.MethodGet, "/promotions", "list promotions", http.StatusOK), func(ctx context.Context, in *Page) (*result[list[promotionView]], error) {
		after, err := in.number()
		if err != nil {
			return nil, err
		}
		rows, err := s.Store.Read(ctx).Promotions(after, in.Limit+1)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		view, err := s.promotionViewer(ctx, rows)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return paged(rows, in.Limit, view, func(p store.Promotion) string { return idString(p.ID) }), nil
	})
	huma.Register(s.api, op(http.MethodGet, "/promotions/{id}", "one promotion", http.StatusOK), func(ctx context.Context, in *oneID) (*result[promotionView], error) {
		p, err := s.promotion(ctx, in.ID)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return s.answerPromotion(ctx, p)
	})
	s.promotionCommands()
	s.promotionChanges()
	s.absences()
	s.targets()
	s.occurrences()
	s.deliveries()
	s.preflights()
}

func (s *server) promotion(ctx context.Context, id string) (store.Promotion, error) {
	return byID(id, s.Store.Read(ctx).Promotion)
}

// NamedPromotion is a promotion and who does something with it, said in the query or in a body.
type NamedPromotion struct {
	ID    string `path:"id"`
	Query string `query:"by" maxLength:"64" doc:"who does this; left out: api"`
	Body  *struct {
		_  struct{} `nullable:"true"`
		By string   `json:"by,omitempty" maxLength:"64" doc:"who does this; left out: api"`
	}
}

func (n NamedPromotion) by() string {
	if n.Query == "" && n.Body != nil {
		return n.Body.By
	}
	return n.Query
}

func (s *server) promotionCommands() {
	command := func(name, summary string, do func(*promotions.Planner, context.Context, int64) (store.Promotion, error)) {
		huma.Register(s.api, bare(op(http.MethodPost, "/promotions/{id}/"+name, summary, http.StatusOK)), func(ctx context.Context, in *NamedPromotion) (*result[promotionView], error) {
			id, err := idOf(in.ID)
			if err != nil {
				return nil, err
			}
			p, err := do(s.Promotions.As(in.by()), ctx, id)
			if err != nil {
				return nil, s.fail(ctx, err)
			}
			return s.answerPromotion(ctx, p)
		})
	}
	command("pause", "stop it; what was not submitted is taken back", (*promotions.Planner).Pause)
	command("withdraw", "take back what is not posted yet: what waits for its owners is cancelled at WeCom; the schedule goes on", (*promotions.Planner).Withdraw)
	command("resume", "let it go on with its next time", (*promotions.Planner).Resume)
	type end struct {
		ID string `path:"id"`
		By string `query:"by" maxLength:"64" doc:"who does this; left out: api"`
	}
	huma.Register(s.api, op(http.MethodDelete, "/promotions/{id}", "end it for good", http.StatusNoContent), func(ctx context.Context, in *end) (*none, error) {
		id, err := idOf(in.ID)
		if err != nil {
			return nil, err
		}
		if _, err := s.Promotions.As(in.By).End(ctx, id); err != nil {
			return nil, s.fail(ctx, err)
		}
		return nil, nil
	})
	type run struct {
		Keyed
		ID    string `path:"id"`
		Query string `query:"by" maxLength:"64" doc:"who does this; left out: api"`
		Body  *runBody
	}
	huma.Register(s.api, bare(op(http.MethodPost, "/promotions/{id}/run", "post it now, besides its schedule", http.StatusOK)), func(ctx context.Context, in *run) (*result[occurrenceView], error) {
		id, err := idOf(in.ID)
		if err != nil {
			return nil, err
		}
		by := in.Query
		if by == "" && in.Body != nil {
			by = in.Body.By
		}
		o, err := once(ctx, s, "POST /promotions/"+in.ID+"/run", in.Keyed, in.Body, func(remember handlers.Remember) (store.Occurrence, error) {
			return s.Promotions.As(by).RunNow(ctx, id, in.Body != nil && in.Body.Force, remember)
		}, func(occ string) (store.Occurrence, error) { return byID(occ, s.Store.Read(ctx).Occurrence) })
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(s.viewOccurrence(o)), nil
	})
}

func (s *server) occurrences() {
	type filter struct {
		Page
		ID string `path:"id"`
	}
	huma.Register(s.api, op(http.MethodGet, "/promotions/{id}/occurrences", "its slots, oldest first, the next one last", http.StatusOK), func(ctx context.Context, in *filter) (*result[list[occurrenceView]], error) {
		p, err := s.promotion(ctx, in.ID)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		after, err := in.number()
		if err != nil {
			return nil, err
		}
		var from time.Time
		if after > 0 {
			from = time.UnixMilli(after)
		}
		rows, err := s.Store.Read(ctx).Occurrences(p.ID, from, in.Limit+1)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		if !p.NextAt.IsZero() && len(rows) <= in.Limit && p.NextAt.After(from) {
			rows = append(rows, store.Occurrence{At: p.NextAt, Status: store.OccurrencePlanned})
		}
		return paged(rows, in.Limit, s.viewOccurrence, func(o store.Occurrence) string { return strconv.FormatInt(o.At.UnixMilli(), 10) }), nil
	})
}

func (s *server) deliveries() {
	type filter struct {
		Page
		ID     string    `path:"id"`
		At     time.Time `query:"at" doc:"one occurrence; left out: all"`
		Format string    `query:"format" default:"json" enum:"json,csv" doc:"csv: all of them in one table"`
	}
	get := op(http.MethodGet, "/promotions/{id}/deliveries", "what became of it, group by group", http.StatusOK)
	huma.Register(s.api, tabled[list[deliveryView]](s, get), func(ctx context.Context, in *filter) (*huma.StreamResponse, error) {
		p, err := s.promotion(ctx, in.ID)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		f := store.DeliveryFilter{Promotion: p.ID, At: in.At, Limit: in.Limit + 1}
		if in.Format == "csv" {
			return s.deliveryTable(f), nil
		}
		if f.Cursor, err = in.number(); err != nil {
			return nil, err
		}
		rows, err := s.Store.Read(ctx).Deliveries(f)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return s.asJSON(paged(rows, in.Limit, s.viewDelivery, func(d store.DeliveryView) string { return idString(d.ID) }).Body), nil
	})
}
