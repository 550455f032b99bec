package panel

import (
	"net/http"
	"net/url"
	"slices"

	"xiaobu/sandbox"
)

// pressBody is the press of a button of a card, with the answers to its questions. A form
// sends an answer as one text, written like a query: the question's key = the option's id.
type pressBody struct {
	User    string       `json:"user"`
	Key     string       `json:"key"`
	Choices []choiceBody `json:"choices"`
	Chosen  []string     `json:"chosen"`
}

type choiceBody struct {
	Question string   `json:"question"`
	Options  []string `json:"options"`
}

func (p *panel) postPress(r *http.Request, in pressBody) (any, error) {
	var choices []sandbox.Choice
	for _, c := range in.Choices {
		choices = append(choices, sandbox.Choice(c))
	}
	for _, text := range in.Chosen {
		answers, err := url.ParseQuery(text)
		if err != nil || len(answers) != 1 {
			return nil, refuse("field \"chosen\": %q is no question=option", "字段 \"chosen\"：%q 不是 question=option", text)
		}
		for question, options := range answers {
			i := slices.IndexFunc(choices, func(c sandbox.Choice) bool { return c.Question == question })
			if i < 0 {
				choices, i = append(choices, sandbox.Choice{Question: question}), len(choices)
			}
			choices[i].Options = append(choices[i].Options, options...)
		}
	}
	return nil, p.box.PressCard(in.User, r.PathValue("id"), in.Key, choices...)
}

type cardMenuBody struct {
	User string `json:"user"`
	Key  string `json:"key"`
}

func (p *panel) postCardMenu(r *http.Request, in cardMenuBody) (any, error) {
	return nil, p.box.PressCardMenu(in.User, r.PathValue("id"), in.Key)
}

// userText is something that a member of staff writes.
type userText struct {
	User string `json:"user"`
	Text string `json:"text"`
}

func (p *panel) postMoment(_ *http.Request, in userText) (any, error) {
	id, err := p.box.PostMoment(in.User, in.Text)
	return reply{"moment_id": id}, err
}

// reactionBody is what somebody does with a moment of a member of staff.
type reactionBody struct {
	User   string `json:"user"`
	Person string `json:"person"`
	Text   string `json:"text"`
}

func (p *panel) postPublish(r *http.Request, in userBody) (any, error) {
	return nil, p.box.PublishMoment(r.PathValue("id"), in.User)
}

func (p *panel) postLike(r *http.Request, in reactionBody) (any, error) {
	return nil, p.box.LikeMoment(r.PathValue("id"), in.User, in.Person)
}

func (p *panel) postComment(r *http.Request, in reactionBody) (any, error) {
	return nil, p.box.CommentMoment(r.PathValue("id"), in.User, in.Person, in.Text)
}

type writeBody struct {
	From string `json:"from"`
	To   string `json:"to"`
	Text string `json:"text"`
}

func (p *panel) postWrite(_ *http.Request, in writeBody) (any, error) {
	return nil, p.box.Write(in.From, in.To, in.Text)
}

type markBody struct {
	User     string   `json:"user"`
	Customer string   `json:"customer"`
	Tags     []string `json:"tags"`
}

func (p *panel) postMark(_ *http.Request, in markBody) (any, error) {
	return nil, p.box.Mark(in.User, in.Customer, in.Tags...)
}
