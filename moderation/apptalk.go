package moderation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/spam"
	"xiaobu/store"
)

// Limits of what staff send to the app.
const (
	asksMinute   = 10 // messages of one person that are answered
	asksDay      = 300
	askChats     = 200 // groups that a text is looked for in
	askBack      = 3 * 24 * time.Hour
	askLooked    = 1000 // messages that are compared with a text
	askOffered   = 6    // whom a card offers as the sender
	askListed    = 5    // open cases, and tickets, that 待办 names
	appAnswerOld = time.Hour
)

// Buttons of the card that answers a text.
const (
	keyFile     = "file"
	keyHarmless = "harmless"
	keyDrop     = "drop"
	keyChoice   = "choice-" // and the number of whom it is from
)

// Words that staff send to the app. Everything else is a text to judge.
var (
	helpWords = []string{"帮助", "help", "?", "？", "怎么用"}
	todoWords = []string{"待办", "todo"}
)

const (
	reportWord = "举报 " // and a group, and a name
	helpText   = "把群里的可疑消息复制(或转发文字、链接)发给我,我告诉您像不像广告、为什么,并可以立案或标为误判。\n" +
		"「举报 群名 昵称」:上一条消息是谁在哪个群发的。\n「待办」:您名下的案件和投诉。\n图片和语音里的内容我看不到,请复制文字。\n" +
		"help: send me a suspicious message; 举报 GROUP NAME says who sent it; 待办 lists what waits for you."
)

// AnswerApp is the action of answering what a member of staff sent to the app: by a card, or
// else by a text.
type AnswerApp struct {
	Ask   int64      `json:"ask"`
	Cause int64      `json:"cause"` // the event that it answers; 0: the message itself
	To    bot.UserID `json:"to"`
	Text  string     `json:"text,omitempty"`
	Card  *bot.Card  `json:"card,omitempty"`
}

// ActionKind names the action.
func (AnswerApp) ActionKind() string { return "app_answer" }

// ActionKey makes one answer to a message, or to a press.
func (a AnswerApp) ActionKey() string {
	if a.Card != nil {
		return "card:" + a.Card.TaskID
	}
	return fmt.Sprintf("answer:%d:%d", a.Ask, a.Cause)
}

// Retry is never: who got no answer asks again.
func (AnswerApp) Retry() bot.RetryRule { return bot.RetryNever }

// AppAnswerer performs AnswerApp.
type AppAnswerer struct{ Platform bot.StaffNotifier }

// ActionKind names the action it performs.
func (AppAnswerer) ActionKind() string { return AnswerApp{}.ActionKind() }

// Perform sends the answer.
func (s AppAnswerer) Perform(ctx context.Context, a store.Action) (any, error) {
	var t AnswerApp
	if err := a.Decode(&t); err != nil {
		return nil, err
	}
	if t.Card == nil {
		return nil, s.Platform.SendText(ctx, []bot.UserID{t.To}, t.Text)
	}
	return s.Platform.SendCard(ctx, []bot.UserID{t.To}, *t.Card)
}

// Record has nothing to add to the action's own state.
func (AppAnswerer) Record(*store.Tx, store.Action, store.Outcome) error { return nil }

// asked answers what a member of staff sent to the app, once.
func (m *Moderator) asked(tx *store.Tx, e bot.Event, d bot.AppMessage) error {
	ask := store.AppAsk{UserID: string(d.User), MessageID: d.MessageID, Status: store.AskClosed,
		Text: spoken(FeedMessage{Text: d.Text, Title: d.Title, URL: d.URL})}
	word := strings.TrimSpace(d.Text)
	help, todo, report := slices.Contains(helpWords, strings.ToLower(word)), slices.Contains(todoWords, strings.ToLower(word)), strings.HasPrefix(word, reportWord)
	judged := (d.Type == "text" || d.Type == "link") && ask.Text != "" && !help && !todo && !report
	if judged {
		ask.Status = store.AskOpen
	}
	fresh, err := tx.AddAppAsk(&ask)
	if err != nil || !fresh {
		return err
	}
	if ok, err := m.mayAsk(tx, d.User, ask); err != nil || !ok {
		return err
	}
	switch {
	case judged:
		return m.answerText(tx, e, ask)
	case todo:
		return m.answerTodo(tx, e, ask)
	case report:
		return m.fileNamed(tx, e, ask, strings.Fields(strings.TrimPrefix(word, reportWord)))
	}
	return m.say(tx, ask, helpText, e.ID)
}

// mayAsk tells whether somebody is answered: staff, and not more often than a person reads.
// Who asks too often hears so once; who is not staff hears nothing.
func (m *Moderator) mayAsk(tx *store.Tx, who bot.UserID, ask store.AppAsk) (bool, error) {
	staff, err := tx.IsStaff(bot.MemberID(who))
	if err != nil {
		return false, err
	}
	if !staff {
		if _, err := tx.ShopOfStaff(string(who)); errors.Is(err, store.ErrNotFound) {
			return false, nil
		} else if err != nil {
			return false, err
		}
	}
	for _, limit := range []struct {
		n     int64
		since time.Duration
	}{{asksMinute, time.Minute}, {asksDay, 24 * time.Hour}} {
		n, err := tx.AppAskCount(string(who), tx.Now.Add(-limit.since))
		if err != nil {
			return false, err
		}
		if n == limit.n+1 {
			return false, m.say(tx, ask, "发得太快了,请稍后再试。", 0)
		}
		if n > limit.n {
			return false, nil
		}
	}
	return true, nil
}

func (m *Moderator) say(tx *store.Tx, ask store.AppAsk, text string, cause int64) error {
	_, err := tx.Enqueue(AnswerApp{Ask: ask.ID, Cause: cause, To: bot.UserID(ask.UserID), Text: text}, store.When{Deadline: tx.Now.Add(appAnswerOld), Cause: cause})
	return err
}

func (m *Moderator) show(tx *store.Tx, ask store.AppAsk, card bot.Card, cause int64) error {
	_, err := tx.Enqueue(AnswerApp{Ask: ask.ID, Cause: cause, To: bot.UserID(ask.UserID), Card: &card}, store.When{Deadline: tx.Now.Add(appAnswerOld), Cause: cause})
	return err
}

// answerText says what the detector finds in a text, and who may have sent it.
func (m *Moderator) answerText(tx *store.Tx, e bot.Event, ask store.AppAsk) error {
	var err error
	if ask.Choices, err = m.senders(tx.Reader, ask, tx.Now); err != nil {
		return err
	}
	if err := tx.SaveAppAsk(ask, store.AskOpen); err != nil {
		return err
	}
	v := m.read(ask.Text)
	card := bot.Card{TaskID: askTask(ask.ID, "verdict"), Title: verdictTitle(v), Quote: handlers.Clip(ask.Text, maxQuote), Fields: reasonFields(v),
		Buttons: []bot.CardButton{{Text: "立案", Key: keyFile, Primary: v.Verdict != spam.Ham}, {Text: "误判,不是广告", Key: keyHarmless}, {Text: "没事", Key: keyDrop}}}
	switch len(ask.Choices) {
	case 0:
		card.Note = "没有在您的群里找到这条消息。立案请发:举报 群名 昵称"
	case 1:
		card.Fields = append(card.Fields, bot.CardField{Name: "发送人", Value: choiceName(tx.Reader, ask.Choices[0])})
		card.Note = "找到了这条消息。「立案」后由群主处理。"
	default:
		card.Note = fmt.Sprintf("有 %d 人发过这条消息,立案时再选是谁。", len(ask.Choices))
	}
	return m.show(tx, ask, card, e.ID)
}

func verdictTitle(v spam.Verdict) string {
	words := map[spam.Label]string{spam.Spam: "是广告", spam.Suspect: "疑似广告", spam.Ham: "不像广告"}[v.Verdict]
	return fmt.Sprintf("判定:%s(广告可能性 %d%%)", words, int(100*v.Score))
}

func reasonFields(v spam.Verdict) []bot.CardField {
	var out []bot.CardField
	for _, r := range v.Reasons[:min(len(v.Reasons), 4)] {
		name := "理由"
		if r.Weight < 0 {
			name = "反面理由"
		}
		out = append(out, bot.CardField{Name: name, Value: r.Detail})
	}
	return out
}

// senders finds who said a text, or nearly the same, in the groups of who asks.
func (m *Moderator) senders(r store.Reader, ask store.AppAsk, now time.Time) ([]store.AskChoice, error) {
	chats, err := r.ChatsOfStaff(ask.UserID, askChats)
	if err != nil || len(chats) == 0 {
		return nil, err
	}
	var ids []string
	for _, c := range chats {
		ids = append(ids, c.ChatID)
	}
	var said []store.Message
	if print := m.Detector.Trace(ask.Text).Text; print != 0 {
		if said, err = r.SaidIn(ids, int64(print), now.Add(-askBack), askLooked); err != nil {
			return nil, err
		}
	}
	alike := func(string) bool { return true }
	if len(said) == 0 {
		if said, err = r.SaidIn(ids, 0, now.Add(-askBack), askLooked); err != nil {
			return nil, err
		}
		alike = m.alike(ask.Text)
	}
	var out []store.AskChoice
	for _, s := range said {
		choice := store.AskChoice{ChatID: s.ChatID, Member: s.Sender, MessageID: s.MessageID}
		same := func(c store.AskChoice) bool { return c.ChatID == choice.ChatID && c.Member == choice.Member }
		if len(out) < askOffered && alike(s.Text) && !slices.ContainsFunc(out, same) {
			out = append(out, choice)
		}
	}
	return out, nil
}

// alike tells texts that are nearly the same as one. Of what is too short to be told from
// others only the same words are.
func (m *Moderator) alike(text string) func(string) bool {
	memory := spam.NewMemory()
	if memory.Tellable(text) {
		return memory.Alike(text)
	}
	return func(other string) bool { return strings.TrimSpace(other) == strings.TrimSpace(text) }
}

func choiceName(r store.Reader, c store.AskChoice) string {
	name, group := c.Member, c.ChatID
	if st, err := r.LastStint(bot.ChatID(c.ChatID), bot.MemberID(c.Member)); err == nil && st.Name+st.Nickname != "" {
		if name = st.Nickname; name == "" {
			name = st.Name
		}
	}
	if chat, err := r.Chat(bot.ChatID(c.ChatID)); err == nil && chat.Name != "" {
		group = chat.Name
	}
	return name + " @ " + group
}

// answerTodo lists what waits for somebody in his groups.
func (m *Moderator) answerTodo(tx *store.Tx, e bot.Event, ask store.AppAsk) error {
	chats, err := tx.ChatsOfStaff(ask.UserID, askChats)
	if err != nil {
		return err
	}
	names := map[string]string{}
	var ids []string
	for _, c := range chats {
		names[c.ChatID] = c.Name
		ids = append(ids, c.ChatID)
	}
	cases, tickets, err := tx.OpenIn(ids, askListed)
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, c := range cases {
		fmt.Fprintf(&b, "案件 #%d %s · %s · %s\n", c.ID, names[c.ChatID], c.MemberName, c.CreatedAt.In(m.Zone).Format("01-02 15:04"))
	}
	for _, t := range tickets {
		fmt.Fprintf(&b, "%s #%d %s · %s · %s 前\n", ticketNames[t.Kind], t.ID, names[t.ChatID], t.MemberName, t.DueAt.In(m.Zone).Format("01-02 15:04"))
	}
	if b.Len() == 0 {
		return m.say(tx, ask, "没有待办。", e.ID)
	}
	return m.say(tx, ask, "待办(最早的各 5 项):\n"+strings.TrimSpace(b.String()), e.ID)
}
