package app

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"xiaobu/store"
)

// scrapeTime bounds what a scrape may ask of the database.
const scrapeTime = 5 * time.Second

// metrics counts what passes through; what stands in the store is counted when asked for.
type metrics struct {
	registry  *prometheus.Registry
	callbacks *prometheus.CounterVec
	calls     *prometheus.CounterVec
	seconds   *prometheus.HistogramVec
	runs      *prometheus.CounterVec
	actions   *prometheus.CounterVec
	clicks    *prometheus.CounterVec
	messages  *prometheus.CounterVec
	posts     *prometheus.CounterVec
	postTime  prometheus.Histogram
}

func newMetrics(st *store.Store, now func() time.Time) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &metrics{
		registry:  prometheus.NewRegistry(),
		callbacks: counter("xiaobu_callbacks_total", "WeCom callbacks by HTTP status and kind of event.", "status", "kind"),
		calls:     counter("xiaobu_wecom_calls_total", "Calls of WeCom's API by path and errcode.", "path", "code"),
		runs:      counter("xiaobu_runs_total", "Handlers' runs of events by outcome.", "handler", "outcome"),
		actions:   counter("xiaobu_actions_total", "Attempts of actions by kind and the state they led to.", "kind", "state"),
		clicks:    counter("xiaobu_link_clicks_total", "Requests for links of promotions: counted, preview, unknown or failed.", "outcome"),
		messages:  counter("xiaobu_feed_messages_total", "Messages of the feed by the verdict that was answered.", "verdict"),
		posts:     counter("xiaobu_feed_requests_total", "Requests of the feed by HTTP status: 403 and 4xx are refused, 503 are to be sent again.", "status"),
		postTime: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "xiaobu_feed_seconds", Help: "Duration of requests of the feed, until the answer is on disk.",
			Buckets: []float64{.003, .01, .03, .1, .3, 1, 3}}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "xiaobu_wecom_call_seconds", Help: "Duration of calls of WeCom's API.",
			Buckets: []float64{.01, .03, .1, .3, 1, 3, 10}}, []string{"path"}),
	}
	m.registry.MustRegister(m.callbacks, m.calls, m.runs, m.actions, m.clicks, m.messages, m.posts, m.postTime, m.seconds, backlog{st, now},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

func (m *metrics) callback(status int, kind string) {
	m.callbacks.WithLabelValues(strconv.Itoa(status), kind).Inc()
}

func (m *metrics) call(path string, code int, d time.Duration) {
	m.calls.WithLabelValues(path, strconv.Itoa(code)).Inc()
	m.seconds.WithLabelValues(path).Observe(d.Seconds())
}

func (m *metrics) run(handler, outcome string) { m.runs.WithLabelValues(handler, outcome).Inc() }

func (m *metrics) action(kind, state string) { m.actions.WithLabelValues(kind, state).Inc() }

func (m *metrics) click(outcome string) { m.clicks.WithLabelValues(outcome).Inc() }

// feed counts a request of the feed.
func (m *metrics) feed(status int, verdicts []string, took time.Duration) {
	m.posts.WithLabelValues(strconv.Itoa(status)).Inc()
	m.postTime.Observe(took.Seconds())
	for _, v := range verdicts {
		m.messages.WithLabelValues(v).Inc()
	}
}

// waiting tells how many messages of the feed wait to be judged.
func (m *metrics) waiting(count func() int) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "xiaobu_feed_waiting", Help: "Messages of the feed that wait to be judged."},
		func() float64 { return float64(count()) }))
}

// backlog tells how much waits.
type backlog struct {
	st  *store.Store
	now func() time.Time
}

var (
	pendingDesc = prometheus.NewDesc("xiaobu_inbox_pending", "Events that wait for a handler.", nil, nil)
	deadDesc    = prometheus.NewDesc("xiaobu_inbox_dead", "Events that a handler gave up.", nil, nil)
	ageDesc     = prometheus.NewDesc("xiaobu_inbox_oldest_seconds", "Age of the oldest event that waits.", nil, nil)
	differDesc  = prometheus.NewDesc("xiaobu_ledger_differences", "Figures of the reward books that did not agree in the last audit.", nil, nil)
	rejudgeDesc = prometheus.NewDesc("xiaobu_rejudge_stays", "Joins that wait to be judged again: a rule reaches into the past, a group changed stores, a payout was reversed.", nil, nil)
	casesDesc   = prometheus.NewDesc("xiaobu_cases", "Cases of moderation by status.", []string{"status"}, nil)
	removalDesc = prometheus.NewDesc("xiaobu_case_removal_seconds", "From the opening of a case until the member list showed the person gone.", nil, nil)
	outboxDesc  = prometheus.NewDesc("xiaobu_outbox", "Actions by kind and state.", []string{"kind", "state"}, nil)
)

// Describe names the metrics.
func (b backlog) Describe(c chan<- *prometheus.Desc) {
	c <- pendingDesc
	c <- deadDesc
	c <- ageDesc
	c <- differDesc
	c <- rejudgeDesc
	c <- outboxDesc
	c <- casesDesc
	c <- removalDesc
}

// Collect counts what waits.
func (b backlog) Collect(c chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
	defer cancel()
	r := b.st.Read(ctx)
	if waits, err := r.Backlog(); err == nil {
		age := 0.0
		if !waits.Oldest.IsZero() {
			age = b.now().Sub(waits.Oldest).Seconds()
		}
		c <- prometheus.MustNewConstMetric(pendingDesc, prometheus.GaugeValue, float64(waits.Pending))
		c <- prometheus.MustNewConstMetric(deadDesc, prometheus.GaugeValue, float64(waits.Dead))
		c <- prometheus.MustNewConstMetric(ageDesc, prometheus.GaugeValue, age)
	}
	if a, err := r.LastAudit(); err == nil {
		c <- prometheus.MustNewConstMetric(differDesc, prometheus.GaugeValue, float64(a.Differences))
	}
	if left, err := r.RejudgeLeft(); err == nil {
		c <- prometheus.MustNewConstMetric(rejudgeDesc, prometheus.GaugeValue, float64(left))
	}
	collectCases(r, c)
	counts, err := r.OutboxCounts()
	if err != nil {
		return
	}
	for k, n := range counts {
		c <- prometheus.MustNewConstMetric(outboxDesc, prometheus.GaugeValue, float64(n), k[0], k[1])
	}
}

// removalBounds are the buckets of how long removals took.
var removalBounds = []time.Duration{time.Second, 10 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 6 * time.Hour, 24 * time.Hour, 72 * time.Hour}

// collectCases counts cases as the books have them, so that a restart changes nothing.
func collectCases(r store.Reader, c chan<- prometheus.Metric) {
	if statuses, err := r.CaseStatuses(); err == nil {
		for _, s := range []string{store.CaseOpen, store.CaseAsked, store.CaseRemoved, store.CaseDismissed, store.CaseExpired} {
			c <- prometheus.MustNewConstMetric(casesDesc, prometheus.GaugeValue, float64(statuses[s]), s)
		}
	}
	if within, count, seconds, err := r.RemovalTimes(removalBounds); err == nil {
		buckets := make(map[float64]uint64, len(removalBounds))
		for i, b := range removalBounds {
			buckets[b.Seconds()] = within[i]
		}
		c <- prometheus.MustNewConstHistogram(removalDesc, count, seconds, buckets)
	}
}
