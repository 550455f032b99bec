package sandbox

import (
	"fmt"
	"slices"
	"time"
)

const (
	joinWayGroups  = 5
	stateChars     = 30
	remarkChars    = 30
	baseNameChars  = 40
	codeWayScene   = 41038
	codeNoConfig   = 41042
	codeBadConfig  = 41044
	codeWayTooMany = 41091
)

// JoinWay is a QR code into customer groups (加入群聊).
type JoinWay struct {
	ConfigID   string
	Scene      int // 1 mini program, 2 QR code
	Remark     string
	AutoCreate bool   // a new group is made when all are full
	BaseName   string // of groups made that way
	BaseID     int    // the number that the next of them gets
	Chats      []string
	State      string
	MarkSource bool
	CreatedAt  time.Time

	key int
}

// ways are the QR codes of both kinds. Deleted ones are gone.
type ways struct {
	last     int
	joins    []*JoinWay
	contacts []*ContactWay
	temp     dayCount // temporary ways that were made
}

func newWays() ways { return ways{} }

func (w *ways) join(configID string) *JoinWay {
	i := slices.IndexFunc(w.joins, func(j *JoinWay) bool { return j.ConfigID == configID })
	if i < 0 {
		return nil
	}
	return w.joins[i]
}

// JoinWays returns the join ways there are, oldest first.
func (s *Sandbox) JoinWays() []JoinWay {
	s.enter()
	defer s.leave()
	return copied(s.ways.joins, func(w *JoinWay) { w.Chats = slices.Clone(w.Chats) })
}

// qrLink is the address of the picture of a QR code.
func (s *Sandbox) qrLink(configID string) string { return s.cfg.PublicURL + "/sandbox/qr/" + configID }

// scanJoinWay finds the group that n people come into by a join way, making one if it must.
func (s *Sandbox) scanJoinWay(now time.Time, configID string, n int) (*group, *JoinWay, error) {
	way := s.ways.join(configID)
	if way == nil {
		return nil, nil, fmt.Errorf("join way %q: %w", configID, ErrNotFound)
	}
	for _, id := range way.Chats {
		g, err := s.living(id)
		if err == nil && g.scans+n <= groupByQR && len(g.present)+n <= groupSize {
			return g, way, nil
		}
	}
	if !way.AutoCreate || len(way.Chats) == 0 {
		return nil, nil, fmt.Errorf("join way %s: all its groups are %w", configID, ErrFull)
	}
	owner := s.rooms.byID[way.Chats[0]].owner
	name := fmt.Sprintf("%s%d", way.BaseName, way.BaseID)
	way.BaseID++
	g := s.makeGroup(now, owner, name, []*stay{{user: owner.UserID, staff: true, joined: now, scene: SceneDirect}})
	way.Chats = append(way.Chats, g.id)
	way.Chats = way.Chats[max(0, len(way.Chats)-joinWayGroups):]
	return g, way, nil
}

func joinWayAPIs() map[string]api {
	return map[string]api{
		"externalcontact/groupchat/add_join_way":    write(addJoinWay),
		"externalcontact/groupchat/get_join_way":    write(getJoinWay),
		"externalcontact/groupchat/update_join_way": write(updateJoinWay),
		"externalcontact/groupchat/del_join_way":    write(deleteJoinWay),
	}
}

// readJoinWay reads the fields that add and update share; what is absent gets its default.
func (c *call) readJoinWay() (JoinWay, *failure) {
	in := c.in
	w := JoinWay{
		Scene:      int(in.number("scene", 0)),
		Remark:     trimChars(in.text("remark"), remarkChars),
		AutoCreate: in.between("auto_create_room", 1, 0, 1) == 1,
		BaseName:   in.maxChars("room_base_name", in.text("room_base_name"), baseNameChars),
		BaseID:     int(in.between("room_base_id", 0, 0, 1<<31)),
		State:      in.maxChars("state", in.text("state"), stateChars),
		MarkSource: in.flag("mark_source", false),
	}
	w.Chats = in.list("chat_id_list", 1000)
	if w.Scene < 1 || w.Scene > 2 {
		in.bad(codeWayScene, "missing or invalid scene")
	}
	if len(w.Chats) == 0 {
		in.bad(codeEmptyParam, "missing chat_id_list")
	}
	if len(w.Chats) > joinWayGroups {
		in.bad(codeWayTooMany, "too many chat ids in join way (max %d)", joinWayGroups)
	}
	if f := in.failed(); f != nil {
		return w, f
	}
	for _, id := range w.Chats {
		if _, f := c.seeChat(id); f != nil {
			return w, f
		}
	}
	return w, nil
}

// addJoinWay makes a QR code into groups.
// See https://developer.work.weixin.qq.com/document/path/92229
func addJoinWay(c *call) (reply, *failure) {
	w, f := c.readJoinWay()
	if f != nil {
		return nil, f
	}
	if f := c.roomForWay(false); f != nil {
		return nil, f
	}
	c.s.ways.last++
	w.key, w.CreatedAt = c.s.ways.last, c.now
	w.ConfigID = c.s.dice.draw("join way", alphabetHex, 32)
	c.s.ways.joins = append(c.s.ways.joins, &w)
	return reply{"config_id": w.ConfigID}, nil
}

// namedJoinWay returns the join way that a call names.
func (c *call) namedJoinWay() (*JoinWay, *failure) {
	id := c.in.need("config_id", codeNoConfig)
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	w := c.s.ways.join(id)
	if w == nil {
		return nil, refuse(codeBadConfig, "invalid config_id")
	}
	return w, nil
}

// getJoinWay answers a join way with the link to its picture.
// See https://developer.work.weixin.qq.com/document/path/92229
func getJoinWay(c *call) (reply, *failure) {
	w, f := c.namedJoinWay()
	if f != nil {
		return nil, f
	}
	auto := 0
	if w.AutoCreate {
		auto = 1
	}
	return reply{"join_way": reply{
		"config_id": w.ConfigID, "scene": w.Scene, "remark": w.Remark, "auto_create_room": auto,
		"room_base_name": w.BaseName, "room_base_id": w.BaseID, "chat_id_list": slices.Clone(w.Chats),
		"state": w.State, "mark_source": w.MarkSource, "qr_code": c.s.qrLink(w.ConfigID),
	}}, nil
}

// updateJoinWay overwrites a join way as a whole: what is left out gets its default.
// See https://developer.work.weixin.qq.com/document/path/92229
func updateJoinWay(c *call) (reply, *failure) {
	old, f := c.namedJoinWay()
	if f != nil {
		return nil, f
	}
	w, f := c.readJoinWay()
	if f != nil {
		return nil, f
	}
	w.key, w.ConfigID, w.CreatedAt = old.key, old.ConfigID, old.CreatedAt
	*old = w
	return nil, nil
}

// deleteJoinWay ends a join way: its code leads nowhere any more.
// See https://developer.work.weixin.qq.com/document/path/92229
func deleteJoinWay(c *call) (reply, *failure) {
	w, f := c.namedJoinWay()
	if f != nil {
		return nil, f
	}
	c.s.ways.joins = slices.DeleteFunc(c.s.ways.joins, func(j *JoinWay) bool { return j == w })
	return nil, nil
}
