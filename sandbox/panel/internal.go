package panel

import (
	"net/http"
	"slices"
	"time"

	"xiaobu/sandbox"
)

// internalRoutes are what staff do among themselves: with the app, in internal groups, with
// robots.
func (p *panel) internalRoutes() []route {
	return []route{
		{"POST /sandbox/app/write", "user, text: a member of staff writes to the app", command(p.postAppWrite)},
		{"POST /sandbox/app/send", "user, type (image, voice, video), name, data (base64): sends it a file", command(p.postAppSend)},
		{"POST /sandbox/app/use", "user, action (subscribe, unsubscribe, enter_agent, click, view), key (of click and view)", command(p.postAppUse)},
		{"GET /sandbox/internal-groups", "internal groups with what was said last", p.getInternalGroups},
		{"POST /sandbox/internal-groups", "owner, name, staff: made by hand", command(p.postInternalGroup)},
		{"GET /sandbox/robots", "group robots with the keys of their webhooks", p.getRobots},
		{"POST /sandbox/robots", "chat_id (of an internal group), name", command(p.postRobot)},
		{"POST /sandbox/robots/{id}/remove", "by its key", command(p.postRobotRemove)},
		{"GET /sandbox/smart-robots", "smart robots", p.getSmartRobots},
		{"POST /sandbox/smart-robots", "id, name, callback_url, token, aes_key", command(p.postSmartRobot)},
		{"POST /sandbox/smart-robots/{id}/enter", "user: opens the chat with it", command(p.postSmartEnter)},
		{"POST /sandbox/smart-robots/{id}/ask", "user, text, chat_id (of an internal group; none: alone)", command(p.postSmartAsk)},
		{"GET /sandbox/talks", "what smart robots were told and answered", p.getTalks},
		{"POST /sandbox/talks/{id}/press", "user, key: a button of the card in the answer", command(p.postTalkPress)},
		{"POST /sandbox/talks/{id}/judge", "user, verdict (1 accurate, 2 inaccurate, 3 taken back), words", command(p.postTalkJudge)},
	}
}

type internalView struct {
	Chats  []sandbox.AppChat // with the newest messages only
	Robots map[string][]sandbox.Robot
	Smart  []sandbox.SmartRobot
	Talks  []sandbox.Talk // the newest first
	Staff  []sandbox.Staff
}

func (p *panel) viewInternal(*http.Request) (any, error) {
	staff := atWork(p.box.Staff())
	v := internalView{Chats: p.internalChats(), Robots: map[string][]sandbox.Robot{}, Smart: p.box.SmartRobots(), Staff: staff[:min(len(staff), shownStaff)]}
	for _, r := range p.box.Robots() {
		if r.RemovedAt.IsZero() {
			v.Robots[r.ChatID] = append(v.Robots[r.ChatID], r)
		}
	}
	v.Talks = slices.Clone(newest(p.box.Talks(), shownEntries))
	slices.Reverse(v.Talks)
	return v, nil
}

// internalChats are the newest internal groups, the newest first, with what was said last.
func (p *panel) internalChats() []sandbox.AppChat {
	chats := newest(p.box.AppChats(), shownPeople)
	for i := range chats {
		chats[i].Messages = newest(chats[i].Messages, shownEntries)
	}
	slices.Reverse(chats)
	return chats
}

func (p *panel) postAppWrite(_ *http.Request, in userText) (any, error) {
	id, err := p.box.WriteToApp(in.User, in.Text)
	return reply{"msg_id": id}, err
}

type appFile struct {
	User string `json:"user"`
	Type string `json:"type"`
	Name string `json:"name"`
	Data []byte `json:"data"`
}

func (p *panel) postAppSend(_ *http.Request, in appFile) (any, error) {
	id, err := p.box.SendToApp(in.User, in.Type, in.Name, in.Data)
	return reply{"msg_id": id}, err
}

type appUse struct {
	User   string `json:"user"`
	Action string `json:"action"`
	Key    string `json:"key"`
}

func (p *panel) postAppUse(_ *http.Request, in appUse) (any, error) {
	return nil, p.box.UseApp(in.User, in.Action, in.Key)
}

func (p *panel) getInternalGroups(w http.ResponseWriter, _ *http.Request) {
	list := []reply{}
	for _, a := range p.internalChats() {
		said := []reply{}
		for _, m := range a.Messages {
			said = append(said, reply{"at": m.At.Format(time.RFC3339), "type": m.Type, "text": m.Text, "robot": m.Robot, "mentioned": append([]string{}, m.Mentioned...)})
		}
		list = append(list, reply{"chat_id": a.ChatID, "by_hand": a.ByHand, "name": a.Name, "owner": a.Owner, "members": a.Members, "messages": said})
	}
	answerJSON(w, http.StatusOK, reply{"groups": list})
}

func (p *panel) postInternalGroup(_ *http.Request, in groupBody) (any, error) {
	id, err := p.box.CreateInternalGroup(in.Owner, in.Name, in.Staff...)
	return reply{"chat_id": id}, err
}

func (p *panel) getRobots(w http.ResponseWriter, _ *http.Request) {
	list := []reply{}
	for _, r := range p.box.Robots() {
		list = append(list, reply{"key": r.Key, "name": r.Name, "chat_id": r.ChatID, "removed": !r.RemovedAt.IsZero()})
	}
	answerJSON(w, http.StatusOK, reply{"robots": list})
}

type robotBody struct {
	ChatID string `json:"chat_id"`
	Name   string `json:"name"`
}

func (p *panel) postRobot(_ *http.Request, in robotBody) (any, error) {
	key, err := p.box.AddRobot(in.ChatID, in.Name)
	return reply{"key": key}, err
}

func (p *panel) postRobotRemove(r *http.Request, _ struct{}) (any, error) {
	return nil, p.box.RemoveRobot(r.PathValue("id"))
}

func (p *panel) getSmartRobots(w http.ResponseWriter, _ *http.Request) {
	list := []reply{}
	for _, r := range p.box.SmartRobots() {
		list = append(list, reply{"id": r.ID, "name": r.Name, "callback_url": r.CallbackURL})
	}
	answerJSON(w, http.StatusOK, reply{"smart_robots": list})
}

type smartBody struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	CallbackURL string `json:"callback_url"`
	Token       string `json:"token"`
	AESKey      string `json:"aes_key"`
}

func (p *panel) postSmartRobot(_ *http.Request, in smartBody) (any, error) {
	return nil, p.box.AddSmartRobot(sandbox.SmartRobot(in))
}

func (p *panel) postSmartEnter(r *http.Request, in userBody) (any, error) {
	return nil, p.box.EnterSmartRobot(r.PathValue("id"), in.User)
}

type askBody struct {
	User   string `json:"user"`
	Text   string `json:"text"`
	ChatID string `json:"chat_id"`
}

func (p *panel) postSmartAsk(r *http.Request, in askBody) (any, error) {
	id, err := p.box.AskSmartRobot(r.PathValue("id"), in.User, in.ChatID, in.Text)
	return reply{"msg_id": id}, err
}

func (p *panel) getTalks(w http.ResponseWriter, _ *http.Request) {
	list := []reply{}
	for _, t := range newest(p.box.Talks(), logLimit) {
		list = append(list, reply{
			"msg_id": t.MsgID, "robot": t.Robot, "at": t.At.Format(time.RFC3339), "user": t.User, "chat_id": t.ChatID, "type": t.Type,
			"text": t.Text, "attempts": t.Attempts, "answer": t.Answer, "card": t.Card, "buttons": shownButtons(t.Buttons),
			"finished": t.Finished, "feedback": t.Feedback, "later": t.Later, "problem": t.Problem,
		})
	}
	answerJSON(w, http.StatusOK, reply{"talks": list})
}

func shownButtons(all []sandbox.Button) []reply {
	out := []reply{}
	for _, b := range all {
		out = append(out, reply{"text": b.Text, "key": b.Key})
	}
	return out
}

func (p *panel) postTalkPress(r *http.Request, in cardMenuBody) (any, error) {
	return nil, p.box.PressSmartCard(r.PathValue("id"), in.User, in.Key)
}

type judgeBody struct {
	User    string `json:"user"`
	Verdict int    `json:"verdict"`
	Words   string `json:"words"`
}

func (p *panel) postTalkJudge(r *http.Request, in judgeBody) (any, error) {
	return nil, p.box.JudgeSmartAnswer(r.PathValue("id"), in.User, in.Verdict, in.Words)
}
