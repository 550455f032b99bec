// Package app puts the house together: which feature gets which part of the platform, which
// pump runs what. It is plain code from top to bottom; cmd starts it, and the scenarios of
// e2e move it by hand.
package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"xiaobu/api"
	"xiaobu/bot"
	"xiaobu/bot/wecom"
	"xiaobu/codes"
	"xiaobu/configs"
	"xiaobu/handlers"
	"xiaobu/moderation"
	"xiaobu/promotions"
	"xiaobu/pump"
	"xiaobu/scheduler"
	"xiaobu/spam"
	"xiaobu/store"
)

// Options are the settings and what the outside world lends the program.
type Options struct {
	Config  configs.Config
	Version string
	Now     func() time.Time
	Log     *slog.Logger
	Random  func() string  // 16 or more letters and digits, new each time
	Jitter  func() float64 // in [0,1)
	Owner   string         // unique for this process
	// Serial works on one thing at a time, so that the same events lead to the same order
	// of effects.
	Serial bool
	// Transport carries the calls of the platform and Wait waits between repetitions of one;
	// nil are the network and real time. Detector judges messages; nil makes one, which takes
	// some milliseconds and may be shared.
	Transport http.RoundTripper
	Wait      func(ctx context.Context, d time.Duration)
	Detector  *spam.Detector
	// Dial reaches the web addresses of promotions, to see whether they answer; nil: they are
	// not asked for.
	Dial promotions.DialFunc
	// Scratch says that the database is thrown away afterwards; see store.OpenScratch.
	Scratch bool
}

// App is the whole bot.
type App struct {
	Store      *store.Store
	Platform   *wecom.Client
	dispatcher *handlers.Dispatcher
	runner     *scheduler.Runner
	sender     *scheduler.Sender
	corp       *handlers.Corp
	scans      *codes.Visits
	clicks     *codes.Visits
	printer    *codes.Printer
	handler    http.Handler
	calendar   *promotions.Calendar
	o          Options
}

// New opens the database and puts everything in its place. Nothing runs yet.
func New(ctx context.Context, o Options) (*App, error) {
	if font := o.Config.PrintFont; font != "" {
		if err := codes.CheckFont(font); err != nil { // now, not when somebody waits for a poster
			return nil, &configs.Error{Key: "print.font", Problem: err.Error(), Example: configs.ExampleFont}
		}
	}
	calendar, err := loadCalendar(o.Config.CalendarFile)
	if err != nil {
		return nil, err
	}
	if o.Detector == nil {
		if o.Detector, err = newDetector(o.Config.SpamModel); err != nil {
			return nil, err
		}
	}
	open := store.Open
	if o.Scratch {
		open = store.OpenScratch
	}
	st, err := open(ctx, o.Config.Database, o.Now)
	if err != nil {
		return nil, err
	}
	a := &App{Store: st, o: o, calendar: calendar}
	if err := a.build(ctx); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// newDetector judges by the model of a file, or by the built-in one if none is named.
func newDetector(file string) (*spam.Detector, error) {
	if file == "" {
		return spam.New(), nil
	}
	m, err := spam.LoadModel(file)
	if err != nil {
		return nil, &configs.Error{Key: "spam.model", Problem: err.Error(), Example: "xiaobu.model"}
	}
	return spam.New(spam.WithModel(m)), nil
}

func loadCalendar(file string) (*promotions.Calendar, error) {
	if file == "" {
		return promotions.China()
	}
	c, err := promotions.LoadCalendar(file)
	if err != nil {
		return nil, &configs.Error{Key: "calendar.file", Problem: err.Error(), Example: configs.ExampleCalendar}
	}
	return c, nil
}

// Close ends what New opened.
func (a *App) Close() error {
	if a.Platform != nil {
		a.Platform.Close()
	}
	var err error
	if a.printer != nil {
		err = a.printer.Close()
	}
	return errors.Join(err, a.Store.Close())
}

func (a *App) build(ctx context.Context) error {
	m := newMetrics(a.Store, a.o.Now)
	w := a.o.Config.WeCom
	var err error
	a.Platform, err = wecom.New(wecom.Config{
		BaseURL: w.BaseURL, Corp: bot.CorpID(w.CorpID), Agent: bot.AgentID(w.AgentID), Secret: w.Secret,
		Now: a.o.Now, Log: a.o.Log, Observe: m.call, Transport: a.o.Transport, Wait: a.o.Wait,
	})
	if err != nil {
		return err
	}
	callback, err := wecom.NewCallback(wecom.CallbackConfig{
		Corp: bot.CorpID(w.CorpID), Token: w.Token, AESKey: w.AESKey, Now: a.o.Now, Log: a.o.Log, Observe: m.callback,
		Put: func(ctx context.Context, events ...bot.Event) error {
			_, err := a.Store.PutEvents(ctx, events...)
			return err
		},
	})
	if err != nil {
		return err
	}
	f := a.features()
	m.waiting(f.moderation.Waiting)
	if err := f.promotions.Replan(ctx); err != nil { // the calendar may be another one than yesterday's
		return err
	}
	if err := f.moderation.CatchUp(ctx); err != nil { // what people taught, now and not with the first message
		return err
	}
	a.dispatch(f, m)
	a.send(m, f)
	if err := a.schedule(f); err != nil {
		return err
	}
	a.routes(callback, f, m)
	return nil
}

// features are the parts that more than one pump or face needs.
type features struct {
	rewards    *handlers.Rewards
	payouts    *handlers.Payouts
	promotions *promotions.Planner
	results    *promotions.Results
	moderation *moderation.Moderator
	channels   *handlers.Channels
	greetings  *handlers.Greetings
	reports    *handlers.Reports
	library    *promotions.Library
	robots     *handlers.Robots
}

func (a *App) features() features {
	o, p := a.o, a.Platform
	a.corp = &handlers.Corp{Store: a.Store, Staff: p, Chats: p, Log: o.Log}
	robots := &handlers.Robots{Store: a.Store, Platform: p}
	quota := promotions.Quota{Rule: o.Config.WeCom.MassQuota, Zone: o.Config.Timezone}
	var links *promotions.Links
	if o.Dial != nil {
		links = promotions.NewLinks(o.Dial)
	}
	rewards := &handlers.Rewards{Store: a.Store, Now: o.Now, Zone: o.Config.Timezone, Log: o.Log}
	return features{
		rewards: rewards,
		payouts: &handlers.Payouts{Store: a.Store, Now: o.Now, Zone: o.Config.Timezone, SecondPerson: o.Config.SecondPerson, CatchUp: rewards.CatchUp},
		promotions: &promotions.Planner{Store: a.Store, Now: o.Now, Zone: o.Config.Timezone, Calendar: a.calendar, Log: o.Log,
			PublicURL: o.Config.PublicURL, Random: o.Random, SecondPerson: o.Config.PromotionsSecondPerson, Chats: p, QuotaRule: quota.Rule, Links: links, Notify: o.Config.PromotionsNotify},
		results:    &promotions.Results{Platform: p, Store: a.Store, Now: o.Now, Log: o.Log, AtOnce: pollers(o.Serial), Quota: quota},
		moderation: &moderation.Moderator{Store: a.Store, PublicURL: o.Config.PublicURL, Detector: o.Detector, Cards: true, Notify: o.Config.ModerationNotify, AppChats: p, Remind: o.Config.ModerationRemind, Escalate: o.Config.ModerationEscalate, Keep: cmp.Or(o.Config.ModerationKeep, keepMessages), Now: o.Now, Zone: o.Config.Timezone, Log: o.Log},
		channels:   &handlers.Channels{Store: a.Store, Joins: p, Contacts: p, Staff: p, Random: o.Random, Now: o.Now, Log: o.Log},
		greetings:  &handlers.Greetings{Store: a.Store, Group: p},
		library:    promotions.NewLibrary(a.Store, p, o.Now),
		reports:    &handlers.Reports{Store: a.Store, Now: o.Now, Zone: o.Config.Timezone, Log: o.Log, Chats: p, Robots: robots},
		robots:     robots,
	}
}

// Workers: how many lanes or actions of a kind are worked on at once. Greetings have
// seconds, so a rush of them must not queue; reads of groups are bounded by what WeCom
// allows in parallel.
const (
	welcomeWorkers = 32
	syncWorkers    = 8
	fewWorkers     = 4
)

// pollers is how many tasks are asked about at once.
func pollers(serial bool) int {
	if serial {
		return 1
	}
	return fewWorkers
}

func (a *App) dispatch(f features, m *metrics) {
	o, p := a.o, a.Platform
	r := handlers.NewRouter()
	r.Handle(&handlers.Welcome{Contacts: p, Staff: p, Store: a.Store, Now: o.Now, Log: o.Log, Serial: o.Serial}, welcomeWorkers, bot.KindContactAdded)
	r.Handle(handlers.Contacts{}, fewWorkers, bot.KindContactAdded, bot.KindContactRemoved)
	r.Handle(handlers.Consents{}, fewWorkers, bot.KindConsentGiven)
	r.Gather(&handlers.Sync{Store: a.Store, Chats: p, Contacts: p, Now: o.Now, Settle: o.Config.WeCom.Settle, Log: o.Log, Serial: o.Serial}, syncWorkers,
		bot.KindChatChanged, bot.KindChatDue)
	r.Handle(f.rewards, fewWorkers, bot.KindMemberJoined, bot.KindMemberLeft)
	r.Handle(promotions.CardPresses{}, fewWorkers, bot.KindCardPressed)
	r.Handle(f.moderation, fewWorkers, bot.KindMemberJoined, bot.KindMemberLeft, bot.KindCardPressed, bot.KindAppMessage)
	a.dispatcher = handlers.NewDispatcher(handlers.DispatcherConfig{
		Store: a.Store, Router: r, Now: o.Now, Log: o.Log, Jitter: o.Jitter, Owner: o.Owner, Serial: o.Serial, Seen: m.run,
	})
}

func (a *App) send(m *metrics, f features) {
	o, p := a.o, a.Platform
	a.sender = scheduler.NewSender(scheduler.SenderConfig{
		Store: a.Store, Now: o.Now, Log: o.Log, Jitter: o.Jitter, Owner: o.Owner, Serial: o.Serial, Seen: m.action,
	})
	a.sender.Perform(handlers.WelcomeSender{Platform: p}, welcomeWorkers)
	a.sender.Perform(moderation.CardSender{Platform: p}, fewWorkers)
	a.sender.Perform(moderation.TicketTeller{Platform: p}, fewWorkers)
	a.sender.Perform(moderation.AppAnswerer{Platform: p}, fewWorkers)
	a.sender.Perform(moderation.MemberRemover{Moderator: f.moderation, Platform: p}, fewWorkers)
	a.sender.Perform(moderation.ChatPoster{Platform: p}, fewWorkers)
	a.sender.Perform(moderation.CaseNoteTeller{StaffTeller: handlers.StaffTeller{Platform: p, Now: o.Now}}, fewWorkers)
	a.sender.Perform(handlers.CardUpdater{Platform: p}, fewWorkers)
	a.sender.Perform(handlers.CodeStopper{Channels: f.channels}, fewWorkers)
	a.sender.Perform(&promotions.MassSender{Platform: p, Store: a.Store, Now: o.Now, Library: f.library}, fewWorkers)
	a.sender.Perform(promotions.OwnerCarder{StaffTeller: handlers.StaffTeller{Platform: p, Now: o.Now}}, fewWorkers)
	a.sender.Perform(promotions.NoteTeller{StaffTeller: handlers.StaffTeller{Platform: p, Now: o.Now}}, fewWorkers)
	a.sender.Perform(promotions.MassReminder{Platform: p}, fewWorkers)
	a.sender.Perform(promotions.MassCanceller{Platform: p}, fewWorkers)
	a.sender.Perform(promotions.OutletPoster{Chats: p, Robots: f.robots}, fewWorkers)
	a.sender.Perform(handlers.StaffTeller{Platform: p, Now: o.Now}, fewWorkers)
	a.sender.Perform(handlers.GroupTeller{Platform: p}, fewWorkers)
	a.sender.Perform(handlers.RobotTeller{Robots: f.robots}, fewWorkers)
	a.sender.Perform(handlers.CodeTeller{StaffTeller: handlers.StaffTeller{Platform: p, Now: o.Now}}, fewWorkers)
}

func (a *App) schedule(f features) error {
	r := scheduler.NewRunner(a.Store, a.o.Now, a.o.Owner, a.o.Log)
	r.Duty(scheduler.Duty{Name: "plan promotions", Next: f.promotions.Next, Run: f.promotions.Plan})
	r.Duty(scheduler.Duty{Name: "look over promotions", Next: f.promotions.NextPreflight, Run: f.promotions.LookOver})
	r.Duty(scheduler.Duty{Name: "settle rewards", Next: f.rewards.Next, Run: f.rewards.Settle})
	r.Duty(scheduler.Duty{Name: "judge again", Next: f.rewards.NextRejudge, Run: f.rewards.Rejudge})
	r.Duty(scheduler.Duty{Name: "poll results", Next: f.results.Next, Run: f.results.Poll})
	chases := promotions.Chases{Planner: f.promotions}
	r.Duty(scheduler.Duty{Name: "chase owners", Next: chases.Next, Run: chases.Run})
	r.Duty(scheduler.Duty{Name: "review cases", Next: f.moderation.Next, Run: f.moderation.Review})
	r.Duty(scheduler.Duty{Name: "mind tickets", Next: f.moderation.NextTicket, Run: f.moderation.MindTickets})
	r.Duty(scheduler.Duty{Name: "tell reports", Next: f.reports.Next, Run: f.reports.Tell})
	r.Duty(scheduler.Duty{Name: "look after codes", Next: f.channels.Next, Run: f.channels.LookAfter})
	zone := a.o.Config.Timezone
	for _, j := range []scheduler.Job{
		{Name: "nightly comparison", Spec: "17 3 * * *", Zone: zone, CatchUp: scheduler.Once, Run: func(ctx context.Context, slot time.Time) error {
			return a.corp.Compare(ctx, "nightly", slot.Format(time.RFC3339))
		}},
		{Name: "look at owners", Spec: "37 3 * * *", Zone: zone, CatchUp: scheduler.Once, Run: func(ctx context.Context, _ time.Time) error {
			return a.corp.LookAtOwners(ctx, a.o.Now())
		}},
		{Name: "check codes", Spec: "53 3 * * *", Zone: zone, CatchUp: scheduler.Once, Run: f.channels.CheckAll},
		{Name: "retire referrals", Spec: "23 4 * * *", Zone: zone, CatchUp: scheduler.Once, Run: f.channels.RetireIdle},
		{Name: "housekeeping", Spec: "41 4 * * *", Zone: zone, CatchUp: scheduler.Once, Run: a.housekeeping},
		{Name: "sum funnels", Spec: "57 4 * * *", Zone: zone, CatchUp: scheduler.Once, Run: func(ctx context.Context, _ time.Time) error {
			return f.promotions.SumFunnels(ctx)
		}},
		{Name: "audit", Spec: "11 5 * * *", Zone: zone, CatchUp: scheduler.Once, Run: func(ctx context.Context, _ time.Time) error {
			_, err := f.rewards.Audit(ctx, false)
			return err
		}},
	} {
		if err := r.Job(j); err != nil {
			return err
		}
	}
	a.runner = r
	return nil
}

// Handler is the program's face: callbacks, feed, API, health and metrics.
func (a *App) Handler() http.Handler { return a.handler }

func (a *App) routes(callback http.Handler, f features, m *metrics) {
	o := a.o
	mux := http.NewServeMux()
	mux.Handle("/callback/wecom", callback)
	mux.Handle("/q/", a.pages())
	a.clicks = codes.NewClicks(a.Store)
	mux.Handle("/l/", (&codes.Links{Store: a.Store, Count: a.clicks.Count, Now: o.Now, Log: o.Log, Seen: m.click}).Handler())
	face := api.New(api.Config{
		Store: a.Store, Token: o.Config.APIToken, FeedSecret: o.Config.FeedSecret, Zone: o.Config.Timezone, Now: o.Now, Log: o.Log, Version: o.Version,
		PublicURL: o.Config.PublicURL, Channels: f.channels, Greetings: f.greetings, Rewards: f.rewards, Payouts: f.payouts,
		Promotions: f.promotions, Orders: &promotions.Orders{Store: a.Store}, Moderation: f.moderation, Judge: f.moderation.Judge, FeedSeen: m.feed, Reports: f.reports, Robots: f.robots, Printer: a.printer,
		Library: f.library, Phrases: &promotions.Phrases{Store: a.Store},
	})
	mux.Handle("/api/v1/", face)
	mux.Handle("/hooks/", face)
	mux.Handle("GET /metrics", m.handler())
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		if err := a.Store.Ping(ctx); err != nil {
			http.Error(w, "database does not answer", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	a.handler = a.recovered(mux)
}

// pages are what anybody sees who scans a printed code; on the way the printer is made, which
// knows the same pictures.
func (a *App) pages() http.Handler {
	o := a.o
	pictures := codes.NewPictures(a.Store, a.Platform, o.Now, o.Log)
	a.scans = codes.NewScans(a.Store, o.Config.Timezone)
	a.printer = &codes.Printer{Store: a.Store, Pictures: pictures, PublicURL: o.Config.PublicURL,
		Font: o.Config.PrintFont, FontDirs: codes.FontDirs(), Now: o.Now, Zone: o.Config.Timezone}
	return (&codes.Pages{Store: a.Store, Pictures: pictures, Scans: a.scans, Now: o.Now, Log: o.Log}).Handler()
}

// recovered turns a panic in a handler into a 500 and a line in the log.
func (a *App) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler {
					panic(p)
				}
				a.o.Log.Error("request panicked", "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
				http.Error(w, "something went wrong here; the log says what", http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// Run works until ctx ends; then what is under way may finish.
func (a *App) Run(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { a.dispatcher.Run(ctx) })
	wg.Go(func() { a.sender.Run(ctx) })
	wg.Go(func() { a.runner.Run(ctx) })
	wg.Go(func() { a.begin(ctx) })
	wg.Go(func() { a.scans.Run(ctx, func(err error) { a.o.Log.Error("write down scans", "error", err) }) })
	wg.Go(func() { a.clicks.Run(ctx, func(err error) { a.o.Log.Error("write down clicks", "error", err) }) })
	wg.Wait()
}

// begin brings the company in, however long WeCom has to be asked.
func (a *App) begin(ctx context.Context) {
	const most = time.Minute
	for wait := time.Second; ctx.Err() == nil; wait = min(2*wait, most) {
		err := a.BringIn(ctx)
		if err == nil {
			return
		}
		if bot.ClassOf(err) == bot.ClassFix {
			wait = most
		}
		a.o.Log.Error("bring the company in", "again_in", wait, "error", err)
		t := time.NewTimer(max(wait, bot.WaitOf(err)))
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
	}
}

// BringIn asks for every group of the company to be read.
func (a *App) BringIn(ctx context.Context) error {
	return a.corp.Compare(ctx, "start", fmt.Sprint(a.o.Now().UnixMilli()))
}

// Drain does everything that is due now, in one order, and returns how much that was.
func (a *App) Drain(ctx context.Context) (int, error) {
	total := 0
	for {
		n := 0
		for _, drain := range []func(context.Context) (int, error){a.runner.Tick, a.dispatcher.Drain, a.sender.Drain, a.scans.Flush, a.clicks.Flush} {
			done, err := drain(ctx)
			n += done
			if err != nil {
				return total + n, err
			}
		}
		total += n
		if n == 0 {
			return total, nil
		}
	}
}

// NextDue returns when there will be something to do.
func (a *App) NextDue(ctx context.Context) (time.Time, bool, error) {
	return pump.Earliest(ctx, a.runner.NextDue, a.dispatcher.NextDue, a.sender.NextDue)
}

// What is kept for how long, and how much is forgotten in one transaction.
const (
	keepEvents   = 30 * 24 * time.Hour
	keepActions  = 90 * 24 * time.Hour
	keepMessages = 7 * 24 * time.Hour // unless the settings say otherwise
	keepAsks     = 7 * 24 * time.Hour
	keepAnswers  = 7 * 24 * time.Hour
	keepScans    = 400 * 24 * time.Hour
	keepCases    = 400 * 24 * time.Hour // what was said in cases that are closed, strikes, and hosts of links
	keepLinks    = 400 * 24 * time.Hour // that nobody followed, and the hours of the others
	pruneBatch   = 500
)

// housekeeping forgets what nobody will ask for any more.
func (a *App) housekeeping(ctx context.Context, _ time.Time) error {
	now := a.o.Now()
	said := cmp.Or(a.o.Config.ModerationKeep, keepMessages)
	for _, prune := range []func(*store.Tx) (int64, error){
		func(tx *store.Tx) (int64, error) { return tx.PruneInbox(now.Add(-keepEvents), pruneBatch) },
		func(tx *store.Tx) (int64, error) { return tx.PruneOutbox(now.Add(-keepActions), pruneBatch) },
		func(tx *store.Tx) (int64, error) { return tx.PruneMessages(now.Add(-said), pruneBatch) },
		func(tx *store.Tx) (int64, error) {
			return tx.PruneCaseMessages(now.Add(-max(keepCases, said)), pruneBatch)
		},
		func(tx *store.Tx) (int64, error) { return tx.ForgetTexts(now.Add(-keepCases), pruneBatch) },
		func(tx *store.Tx) (int64, error) { return tx.PruneStrikes(now.Add(-keepCases), pruneBatch) },
		func(tx *store.Tx) (int64, error) { return tx.PruneHosts(now.Add(-keepCases), pruneBatch) },
		func(tx *store.Tx) (int64, error) { return tx.PruneTokens(now.Add(-said), pruneBatch) },
		func(tx *store.Tx) (int64, error) { return tx.PruneAppAsks(now.Add(-keepAsks), pruneBatch) },
		func(tx *store.Tx) (int64, error) { return 0, tx.PruneAnswers(now.Add(-keepAnswers)) },
		func(tx *store.Tx) (int64, error) { return 0, tx.PruneSlots(now.Add(-keepActions)) },
		func(tx *store.Tx) (int64, error) { return 0, tx.PruneScans(now.Add(-keepScans).Format(time.DateOnly)) },
		func(tx *store.Tx) (int64, error) { return tx.PruneClicks(now.Add(-keepLinks), pruneBatch) },
		func(tx *store.Tx) (int64, error) { return tx.PruneLinks(now.Add(-keepLinks), pruneBatch) },
		func(tx *store.Tx) (int64, error) {
			return 0, tx.PruneWarnings(now.Add(-keepAnswers).Format(time.DateOnly))
		},
		func(tx *store.Tx) (int64, error) { return 0, tx.PruneQuota() },
		func(tx *store.Tx) (int64, error) { return 0, tx.PruneRuns(now.Add(-keepActions)) },
	} {
		for n := int64(pruneBatch); n == pruneBatch; {
			err := a.Store.Tx(ctx, func(tx *store.Tx) (err error) { n, err = prune(tx); return err })
			if err != nil {
				return err
			}
		}
	}
	return nil
}
