package panel

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"xiaobu/sandbox"
)

// preset is a set of faults under a name.
type preset struct {
	Name   string
	Zh, En string // what it is called
	SayZh  string // what it does
	SayEn  string
	faults sandbox.Faults
}

// presets are the faults that one press switches on.
func presets() []preset {
	return []preset{
		{Name: "calm", Zh: "风平浪静", En: "Calm", SayZh: "一切正常，关闭所有故障", SayEn: "nothing goes wrong"},
		{Name: "bad_weather", Zh: "坏天气", En: "Bad weather", SayZh: "回调重复、乱序、偶尔丢失；接口时忙；群详情滞后", SayEn: "callbacks doubled, shuffled, some lost; a tenth of the calls busy; member lists late", faults: sandbox.Faults{
			Callbacks: sandbox.CallbackFaults{Copies: 2, Shuffle: 5, Within: 3 * time.Second, Drop: 0.05},
			API:       map[string]sandbox.APIFault{"*": {Probability: 0.1, Fail: -1}},
			Details:   sandbox.DetailFaults{Lag: 2 * time.Second, Spread: 5 * time.Second},
		}},
		{Name: "late_mail", Zh: "回调迟到", En: "Late callbacks", SayZh: "每个回调晚一分钟", SayEn: "every callback a minute late", faults: sandbox.Faults{
			Callbacks: sandbox.CallbackFaults{Delay: time.Minute},
		}},
		{Name: "lost_answers", Zh: "做了却没回音", En: "Lost answers", SayZh: "五分之一的调用做完了，但连接断开", SayEn: "a fifth of the calls do their work and are cut off", faults: sandbox.Faults{
			API: map[string]sandbox.APIFault{"*": {Probability: 0.2, CutAfter: true}},
		}},
		{Name: "slow", Zh: "接口很慢", En: "Slow", SayZh: "每次调用 4 秒后才回答", SayEn: "every call is answered after 4 seconds", faults: sandbox.Faults{
			API: map[string]sandbox.APIFault{"*": {Stall: 4 * time.Second}},
		}},
		{Name: "down", Zh: "接口宕机", En: "Down", SayZh: "所有调用返回 HTTP 502", SayEn: "every call gets HTTP 502", faults: sandbox.Faults{
			API: map[string]sandbox.APIFault{"*": {Status: http.StatusBadGateway}},
		}},
		{Name: "tight", Zh: "额度吃紧", En: "Tight limits", SayZh: "每接口每分钟 10 次、同时 1 个；每群每月 4 条群发", SayEn: "10 calls a minute and one at a time for each path; 4 mass messages a month for each group", faults: sandbox.Faults{
			Limits: sandbox.Limits{PerMinute: 10, Parallel: 1, MassPerMonth: 4},
		}},
	}
}

type presetBody struct {
	Name string `json:"name"`
}

func (p *panel) postPreset(_ *http.Request, in presetBody) (any, error) {
	all := presets()
	i := slices.IndexFunc(all, func(one preset) bool { return one.Name == in.Name })
	if i < 0 {
		var names []string
		for _, one := range all {
			names = append(names, one.Name)
		}
		return nil, fmt.Errorf("preset %q is none of %v", in.Name, names)
	}
	return p.putFaults(nil, faultsBodyOf(all[i].faults))
}

func (p *panel) getPresets(w http.ResponseWriter, _ *http.Request) {
	out := []reply{}
	for _, one := range presets() {
		out = append(out, reply{"name": one.Name, "zh": one.Zh, "en": one.En, "what": one.SayEn, "faults": faultsBodyOf(one.faults)})
	}
	answerJSON(w, http.StatusOK, reply{"presets": out})
}

// changeFaults changes a part of the faults in use and leaves the rest.
func (p *panel) changeFaults(change func(*sandbox.Faults)) (any, error) {
	f := p.box.Faults()
	f.API = maps.Clone(f.API)
	change(&f)
	return p.putFaults(nil, faultsBodyOf(f))
}

func (p *panel) postCallbackFaults(_ *http.Request, in callbackFaultsBody) (any, error) {
	return p.changeFaults(func(f *sandbox.Faults) { f.Callbacks = faultsBody{Callbacks: in}.faults().Callbacks })
}

func (p *panel) postDetailFaults(_ *http.Request, in detailFaultsBody) (any, error) {
	return p.changeFaults(func(f *sandbox.Faults) { f.Details = faultsBody{Details: in}.faults().Details })
}

// quotaBody is what goes wrong with limits and mass messages.
type quotaBody struct {
	limitsBody
	Dispatch span `json:"dispatch"`
}

func (p *panel) postLimitFaults(_ *http.Request, in quotaBody) (any, error) {
	return p.changeFaults(func(f *sandbox.Faults) {
		f.Limits, f.Dispatch = sandbox.Limits(in.limitsBody), time.Duration(in.Dispatch)
	})
}

// pathBody is what goes wrong with one path; End takes it away.
type pathBody struct {
	Path string `json:"path"`
	End  bool   `json:"end"`
	apiFaultBody
}

func (p *panel) postPathFault(_ *http.Request, in pathBody) (any, error) {
	if in.Path == "" {
		return nil, fmt.Errorf("want a path such as message/send, or * for all")
	}
	if !in.End && in.apiFaultBody == (apiFaultBody{Calls: in.Calls, Probability: in.Probability}) {
		return nil, fmt.Errorf("nothing is to go wrong with %s: want one of cut_before, revoke, status, fail, stall, cut_after, half_body", in.Path)
	}
	return p.changeFaults(func(f *sandbox.Faults) {
		delete(f.API, in.Path)
		if !in.End {
			f.API[in.Path] = faultsBody{API: map[string]apiFaultBody{in.Path: in.apiFaultBody}}.faults().API[in.Path]
		}
	})
}

// faultsView is the page of the faults.
type faultsView struct {
	Faults  sandbox.Faults
	Paths   []string // the calls that there are
	Bad     []badPath
	Presets []preset
	Any     bool // something goes wrong
}

type badPath struct {
	Path string
	sandbox.APIFault
}

func (p *panel) viewFaults(*http.Request) (any, error) {
	v := faultsView{Faults: p.box.Faults(), Presets: presets()}
	for _, e := range p.box.Endpoints() {
		v.Paths = append(v.Paths, e.Name)
	}
	for _, path := range slices.Sorted(maps.Keys(v.Faults.API)) {
		v.Bad = append(v.Bad, badPath{path, v.Faults.API[path]})
	}
	v.Any = len(v.Bad) > 0 || v.Faults.Callbacks != sandbox.CallbackFaults{} || v.Faults.Limits != sandbox.Limits{} || v.Faults.Dispatch != 0 || v.Faults.Details != sandbox.DetailFaults{}
	return v, nil
}
