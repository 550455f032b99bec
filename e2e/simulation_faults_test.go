package e2e

import (
	"time"

	"xiaobu/sandbox"
)

// break_ lets something go wrong: on the platform, on the way, or with the bot itself.
func (s *simulation) break_() {
	switch s.rand.IntN(10) {
	case 0:
		s.setFaults(sandbox.Faults{Callbacks: s.badPost()})
	case 1:
		s.setFaults(sandbox.Faults{API: map[string]sandbox.APIFault{"*": s.badCall()}})
	case 2:
		s.setFaults(sandbox.Faults{Callbacks: s.badPost(), API: map[string]sandbox.APIFault{"*": s.badCall()}, Details: s.badDetails(), Dispatch: s.pick(0, 10, 60)})
	case 3:
		s.setFaults(sandbox.Faults{Details: s.badDetails(), Callbacks: sandbox.CallbackFaults{Merge: time.Second}})
	case 9:
		s.crashInPost, s.crashAfter = 1+s.rand.IntN(3), s.chance(0.5)
		s.tell("the bot will crash at its %d. callback", s.crashInPost)
	case 8:
		s.setFaults(sandbox.Faults{Limits: sandbox.Limits{Page: 1, MassPerMonth: 1 + s.rand.IntN(3)}, Dispatch: s.pick(0, 10, 60)})
		s.at(s.clock.now(), func() { s.bringIn(time.Second) })
	case 4:
		s.box.RevokeTokens()
		s.tell("all tokens are revoked")
	case 5:
		s.loseAnswers = 0.3
		s.tell("answers to callbacks get lost")
	case 6:
		s.restart(time.Duration(s.rand.IntN(40)) * time.Minute)
	default:
		s.crashIn, s.crashAfter = 1+s.rand.IntN(4), s.chance(0.5)
		s.tell("the bot will crash at its %d. call", s.crashIn)
	}
}

func (s *simulation) setFaults(f sandbox.Faults) {
	must(s.t, s.box.SetFaults(f))
	s.tell("faults: %+v", f)
	s.at(s.clock.now().Add(time.Duration(1+s.rand.IntN(60))*time.Minute), func() {
		must(s.t, s.box.SetFaults(sandbox.Faults{}))
		s.tell("no faults")
	})
}

func (s *simulation) badPost() sandbox.CallbackFaults {
	f := sandbox.CallbackFaults{Copies: s.rand.IntN(4), Within: s.pick(0, 1, 5, 30), Delay: s.pick(0, 0, 1, 60)}
	if s.chance(0.5) {
		f.Shuffle = 2 + s.rand.IntN(5)
	}
	if s.chance(0.3) {
		f.Merge = time.Duration(1+s.rand.IntN(1000)) * time.Millisecond
	}
	if s.chance(0.3) {
		f.Drop = 0.3
	}
	return f
}

// badCall is what goes wrong with some of the calls.
func (s *simulation) badCall() sandbox.APIFault {
	ways := []sandbox.APIFault{{Fail: -1}, {Fail: 45009}, {Fail: 45033}, {Fail: 40014}, {Fail: 42001}, {Revoke: true}, {Status: 502}, {CutBefore: true},
		{CutAfter: true}, {HalfBody: true}, {Stall: time.Second}, {Stall: time.Minute}}
	f := ways[s.rand.IntN(len(ways))]
	f.Probability = 0.1 + 0.4*s.rand.Float64()
	return f
}

// badDetails is how far the member lists lag. A list is believed after two minutes.
func (s *simulation) badDetails() sandbox.DetailFaults {
	return sandbox.DetailFaults{Lag: s.pick(0, 1, 10), Spread: s.pick(0, 5, 40), Stale: 0.3 * s.rand.Float64()}
}

// churn lets groups come and go while the bot reads a list of them in short pages.
func (s *simulation) churn() {
	if s.quiet || s.box.Faults().Limits.Page == 0 || !s.chance(0.3) {
		return
	}
	if g, ok := s.someGroup(); ok && s.chance(0.3) && len(s.box.Groups()) > 2 {
		s.did(s.box.Dismiss(g.ID), "%s is dissolved while the groups are listed", g.ID)
	} else if len(s.box.Groups()) < 8 {
		owner := s.some(s.company.owners)
		id, err := s.box.CreateGroup(owner, s.oddName("又群", s.rand.IntN(100)), s.some(s.company.cashiers))
		s.did(err, "%s makes %s while the groups are listed", owner, id)
	}
}

// restart ends the bot, and starts it again after a while.
func (s *simulation) restart(after time.Duration) {
	if s.app == nil {
		return
	}
	s.tell("the bot is stopped for %s", after)
	s.downs = append(s.downs, span{s.clock.now(), s.clock.now().Add(after)})
	s.sleep()
	s.at(s.clock.now().Add(after), func() {
		if s.app == nil {
			s.tell("the bot is started")
			s.wake()
		}
	})
}

// heal ends everything that is wrong.
func (s *simulation) heal() {
	must(s.t, s.box.SetFaults(sandbox.Faults{}))
	s.loseAnswers, s.crashIn, s.crashInPost = 0, 0, 0
	s.tell("everything works again")
	if s.app == nil {
		s.wake()
	}
}
