package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/handlers"
	"xiaobu/store"
)

type welcomeView struct {
	ID          string           `json:"id"`
	Text        string           `json:"text"`
	Attachments []attachmentBody `json:"attachments" nullable:"false"`
	TemplateID  *string          `json:"template_id" doc:"of the group welcome, once WeCom has it"`
	UpdatedAt   *time.Time       `json:"updated_at"`
}

func (s *server) viewWelcome(w store.Welcome) welcomeView {
	return welcomeView{ID: w.ID, Text: w.Text, Attachments: viewAttachments(w.Attachments), TemplateID: text(w.TemplateID), UpdatedAt: s.stamp(w.UpdatedAt)}
}

func (s *server) greetings() {
	type one struct {
		ID string `path:"id" doc:"default, group or a channel's id"`
	}
	type put struct {
		ID   string `path:"id"`
		Body messageBody
	}
	huma.Register(s.api, op(http.MethodGet, "/welcomes/{id}", "a greeting", http.StatusOK), func(ctx context.Context, in *one) (*result[welcomeView], error) {
		return s.welcome(ctx, in.ID)
	})
	huma.Register(s.api, op(http.MethodPut, "/welcomes/{id}", "write a greeting", http.StatusOK), func(ctx context.Context, in *put) (*result[welcomeView], error) {
		if _, err := s.Greetings.Put(ctx, in.ID, in.Body.message()); err != nil {
			return nil, s.fail(ctx, err)
		}
		return s.welcome(ctx, in.ID)
	})
}

func (s *server) welcome(ctx context.Context, id string) (*result[welcomeView], error) {
	w, err := s.Store.Read(ctx).Welcome(id)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	return answer(s.viewWelcome(w)), nil
}

type channelBody struct {
	Name        string   `json:"name"`
	Kind        string   `json:"kind" doc:"group_qr or contact_qr"`
	Staff       string   `json:"staff,omitempty" maxLength:"64" doc:"user id of whom the joins count for; may be left out of a group_qr with a store_id"`
	ChatIDs     []string `json:"chat_ids,omitempty" maxItems:"50" doc:"1 to 5 groups of a group_qr"`
	AutoCreate  bool     `json:"auto_create,omitempty" doc:"let WeCom open a further group when all are full"`
	BaseName    string   `json:"base_name,omitempty" doc:"name of groups so opened"`
	StoreID     string   `json:"store_id,omitempty" maxLength:"64" doc:"the store it belongs to"`
	Place       string   `json:"place,omitempty" doc:"where it hangs, such as 3号收银台"`
	Purpose     string   `json:"purpose,omitempty" enum:"cashier,till,poster,store" doc:"left out: cashier, or store where it has no staff"`
	State       string   `json:"state,omitempty" doc:"1 to 30 letters, digits, _ or -; left out: a random one"`
	NextChatIDs []string `json:"next_chat_ids,omitempty" maxItems:"50" doc:"groups that are put in, one after the other, when the others are nearly full"`
	Threshold   int      `json:"threshold,omitempty" doc:"people from whom on a group is nearly full; 0: 190"`
}

func (b channelBody) channel() store.Channel {
	return store.Channel{Name: b.Name, Kind: b.Kind, Staff: b.Staff, ChatIDs: b.ChatIDs, AutoCreate: b.AutoCreate, BaseName: b.BaseName,
		ShopID: b.StoreID, Place: b.Place, Purpose: b.Purpose, State: b.State, NextChatIDs: b.NextChatIDs, Threshold: b.Threshold}
}

type channelView struct {
	ID          string     `json:"id"`
	Name        string     `json:"name"`
	Kind        string     `json:"kind"`
	Staff       string     `json:"staff"`
	State       string     `json:"state"`
	ConfigID    string     `json:"config_id"`
	QRCode      string     `json:"qr_code"`
	ChatIDs     []string   `json:"chat_ids" nullable:"false"`
	AutoCreate  bool       `json:"auto_create"`
	BaseName    string     `json:"base_name"`
	CreatedAt   *time.Time `json:"created_at"`
	StoreID     *string    `json:"store_id"`
	Place       string     `json:"place"`
	Purpose     string     `json:"purpose" enum:"cashier,till,poster,store,referral"`
	Code        string     `json:"code"`
	URL         string     `json:"url" doc:"what is printed: it always shows the code as it is now"`
	NextChatIDs []string   `json:"next_chat_ids" nullable:"false"`
	Threshold   int        `json:"threshold"`
	Condition   string     `json:"condition" enum:"live,nearly_full,full,dead" doc:"as its groups were when it was last looked at"`
	Alarm       string     `json:"alarm" doc:"what is wrong; empty: nothing"`
}

type channelPatch struct {
	Name        *string   `json:"name,omitempty"`
	Staff       *string   `json:"staff,omitempty" maxLength:"64" doc:"joins from now on count for them"`
	StoreID     *string   `json:"store_id,omitempty" maxLength:"64"`
	Place       *string   `json:"place,omitempty"`
	Purpose     *string   `json:"purpose,omitempty" enum:"cashier,till,poster,store"`
	ChatIDs     *[]string `json:"chat_ids,omitempty" maxItems:"50"`
	NextChatIDs *[]string `json:"next_chat_ids,omitempty" maxItems:"50"`
	AutoCreate  *bool     `json:"auto_create,omitempty"`
	BaseName    *string   `json:"base_name,omitempty"`
	Threshold   *int      `json:"threshold,omitempty" doc:"0: 190"`
}

func (b channelPatch) change() handlers.ChannelChange {
	return handlers.ChannelChange{Name: b.Name, Staff: b.Staff, ShopID: b.StoreID, Place: b.Place, Purpose: b.Purpose, BaseName: b.BaseName,
		ChatIDs: b.ChatIDs, NextChatIDs: b.NextChatIDs, AutoCreate: b.AutoCreate, Threshold: b.Threshold}
}

type channelCounts struct {
	channelView
	Joins    int64 `json:"joins" doc:"joins that carried its state"`
	Contacts int64 `json:"contacts" doc:"contacts that carried its state"`
	Scans    int64 `json:"scans" doc:"how often its page was opened in the last 400 days"`
}

func (s *server) viewChannel(c store.Channel) channelView {
	return channelView{ID: idString(c.ID), Name: c.Name, Kind: c.Kind, Staff: c.Staff, State: c.State, ConfigID: c.ConfigID, QRCode: c.QRCode,
		ChatIDs: orEmpty(c.ChatIDs), AutoCreate: c.AutoCreate, BaseName: c.BaseName, CreatedAt: s.stamp(c.CreatedAt),
		StoreID: text(c.ShopID), Place: c.Place, Purpose: c.Purpose, Code: c.Code, URL: s.PublicURL + "/q/" + c.Code,
		NextChatIDs: orEmpty(c.NextChatIDs), Threshold: c.Threshold, Condition: c.Condition, Alarm: c.Alarm}
}

// orEmpty keeps a list that is not there from becoming null.
func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func (s *server) channels() {
	type create struct {
		Keyed
		Body channelBody
	}
	huma.Register(s.api, op(http.MethodPost, "/channels", "make a QR code with an owner", http.StatusCreated), func(ctx context.Context, in *create) (*result[channelView], error) {
		made, err := once(ctx, s, "POST /channels", in.Keyed, in.Body, func(remember handlers.Remember) (store.Channel, error) {
			return s.Channels.Create(ctx, in.Body.channel(), remember)
		}, func(id string) (store.Channel, error) { return s.channel(ctx, id) })
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(s.viewChannel(made)), nil
	})
	huma.Register(s.api, op(http.MethodGet, "/channels", "list channels", http.StatusOK), func(ctx context.Context, in *Page) (*result[list[channelView]], error) {
		return numbered(ctx, s, *in, func(after int64, limit int) ([]store.Channel, error) {
			return s.Store.Read(ctx).Channels(after, limit)
		}, s.viewChannel, func(c store.Channel) int64 { return c.ID })
	})
	huma.Register(s.api, op(http.MethodGet, "/channels/{id}", "one channel with its counts", http.StatusOK), func(ctx context.Context, in *oneID) (*result[channelCounts], error) {
		return s.channelCounts(ctx, in.ID)
	})
	type patch struct {
		ID   string `path:"id"`
		Body channelPatch
	}
	huma.Register(s.api, op(http.MethodPatch, "/channels/{id}", "change a channel; what is left out stays as it is", http.StatusOK), func(ctx context.Context, in *patch) (*result[channelView], error) {
		id, err := idOf(in.ID)
		if err != nil {
			return nil, err
		}
		ch, err := s.Channels.Change(ctx, id, in.Body.change())
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(s.viewChannel(ch)), nil
	})
	huma.Register(s.api, op(http.MethodDelete, "/channels/{id}", "take a code back", http.StatusNoContent), s.dropping(s.Channels.Delete))
}

// channel returns a channel that has not been deleted.
func (s *server) channel(ctx context.Context, id string) (store.Channel, error) {
	c, err := byID(id, s.Store.Read(ctx).Channel)
	if err == nil && c.Status != store.ChannelActive {
		err = store.ErrNotFound
	}
	return c, err
}

func (s *server) channelCounts(ctx context.Context, id string) (*result[channelCounts], error) {
	c, err := s.channel(ctx, id)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	v := channelCounts{channelView: s.viewChannel(c)}
	r := s.Store.Read(ctx)
	if v.Joins, err = r.JoinCount(c.State); err == nil {
		v.Contacts, err = r.ContactCount(c.State)
	}
	if err == nil {
		v.Scans, err = r.ScanCount(c.ID)
	}
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	return answer(v), nil
}
