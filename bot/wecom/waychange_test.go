package wecom

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"xiaobu/bot"
)

// wayPlatform keeps one code and overwrites all of it, as WeCom does.
type wayPlatform struct {
	way    map[string]any
	writes []map[string]any
	meddle func(p *wayPlatform) (status int, body string) // before a write; a status of 0 lets it pass
}

func (p *wayPlatform) answer(s seen) (int, string) {
	switch s.op {
	case opJoinWayGet, opContactWayGet:
		key := keyJoinWay
		if s.op == opContactWayGet {
			key = keyContactWay
		}
		data, _ := json.Marshal(map[string]any{"errcode": 0, key: p.way})
		return http.StatusOK, string(data)
	}
	var in map[string]any
	_ = json.Unmarshal([]byte(s.body), &in)
	p.writes = append(p.writes, in)
	if p.meddle != nil {
		if status, body := p.meddle(p); status != 0 {
			return status, body
		}
	}
	picture := p.way["qr_code"]
	p.way = maps.Clone(in)
	p.way["qr_code"] = picture
	return http.StatusOK, fine
}

func groupWay() map[string]any {
	return map[string]any{"config_id": "9ad", "scene": 2, "remark": "前台", "auto_create_room": 1, "room_base_name": "群", "room_base_id": 10,
		"chat_id_list": []string{"wr1", "wr2"}, "state": "s", "mark_source": false, "qr_code": "https://q", "of_tomorrow": []int{7}}
}

func addChat(id bot.ChatID) func(*bot.JoinWay) {
	return func(w *bot.JoinWay) {
		if !slices.Contains(w.Chats, id) {
			w.Chats = append(w.Chats, id)
		}
	}
}

func TestAChangeKeepsWhatItDoesNotChange(t *testing.T) {
	p := &wayPlatform{way: groupWay()}
	got, err := newTestClient(t, newFake(p.answer)).ChangeJoinWay(background(), "9ad", addChat("wr3"))
	if err != nil || len(got.Chats) != 3 || got.QRCode != "https://q" {
		t.Fatalf("got %+v %v", got, err)
	}
	data, _ := json.Marshal(p.writes)
	sameJSON(t, string(data), `[{"config_id":"9ad","scene":2,"remark":"前台","auto_create_room":1,"room_base_name":"群","room_base_id":10,
		"chat_id_list":["wr1","wr2","wr3"],"state":"s","mark_source":false,"of_tomorrow":[7]}]`)
	if _, err := newTestClient(t, newFake(p.answer)).ChangeJoinWay(background(), "9ad", addChat("wr3")); err != nil || len(p.writes) != 1 {
		t.Errorf("%d writes, want none for what is so already: %v", len(p.writes), err)
	}
}

func TestAStaffCodeKeepsItsOtherFields(t *testing.T) {
	p := &wayPlatform{way: map[string]any{"config_id": "42b", "type": 1, "scene": 2, "style": 1, "remark": "r", "skip_verify": false, "state": "s",
		"user": []string{"zhangsan"}, "party": []int{}, "is_exclusive": true, "qr_code": "https://q", "conclusions": map[string]any{"text": map[string]any{"content": "再见"}}}}
	got, err := newTestClient(t, newFake(p.answer)).ChangeContactWay(background(), "42b", "lisi")
	if err != nil || got.User != "lisi" {
		t.Fatalf("got %+v %v", got, err)
	}
	data, _ := json.Marshal(p.writes)
	sameJSON(t, string(data), `[{"config_id":"42b","type":1,"scene":2,"style":1,"remark":"r","skip_verify":false,"state":"s","user":["lisi"],
		"party":[],"is_exclusive":true,"conclusions":{"text":{"content":"再见"}}}]`)
}

// A write without an answer is looked after: it is made again only where it left nothing.
func TestAChangeWithoutAnAnswerIsReadBack(t *testing.T) {
	for name, arrived := range map[string]bool{"arrived": true, "lost": false} {
		t.Run(name, func(t *testing.T) {
			p := &wayPlatform{way: groupWay()}
			p.meddle = func(p *wayPlatform) (int, string) {
				if len(p.writes) > 1 {
					return 0, ""
				}
				if arrived {
					p.way["chat_id_list"] = []string{"wr1", "wr2", "wr3"}
				}
				return http.StatusBadGateway, ""
			}
			got, err := newTestClient(t, newFake(p.answer)).ChangeJoinWay(background(), "9ad", addChat("wr3"))
			want := map[bool]int{true: 1, false: 2}[arrived]
			if err != nil || len(got.Chats) != 3 || len(p.writes) != want {
				t.Errorf("%d writes, want %d: %+v %v", len(p.writes), want, got, err)
			}
		})
	}
}

func TestAChangeThatNeverShowsIsAnError(t *testing.T) {
	p := &wayPlatform{way: groupWay()}
	p.meddle = func(*wayPlatform) (int, string) { return http.StatusOK, fine } // and does nothing
	_, err := newTestClient(t, newFake(p.answer)).ChangeJoinWay(background(), "9ad", addChat("wr3"))
	if bot.ClassOf(err) != bot.ClassRetry || len(p.writes) != maxWayWrites || !strings.Contains(err.Error(), "does not show") {
		t.Errorf("%d writes: %v", len(p.writes), err)
	}
}
