package archive

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestMessagesTravelThroughAChangeOfKeys(t *testing.T) {
	r := newRig(t)
	r.src.limit = 3
	var want []string
	for i := range 10 {
		if i == 4 {
			r.src.version = 2 // in the middle of a page
		}
		words := fmt.Sprintf("第%d件到货", i)
		r.src.text(room1, anna, words)
		want = append(want, words)
	}
	r.start()
	for range 4 {
		if _, err := r.a.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	r.wantTexts(want...)
	first := r.box.got[0]
	if first.MessageID != "MSG3_external" || first.ChatID != room1 || first.Sender != anna || !first.SentAt.Equal(r.clock.now().Truncate(time.Millisecond)) && first.SentAt.IsZero() || first.Type != "text" {
		t.Errorf("%+v", first)
	}
	if p := r.saved(); p.Seq != r.src.seq || p.CorpID != testCorp || p.Until.IsZero() {
		t.Errorf("position %+v, want %d", p, r.src.seq)
	}
	// A new process goes on behind it, and posts nothing twice.
	r.src.text(room1, anna, "还有一件")
	r.start()
	r.once()
	r.wantTexts(append(want, "还有一件")...)
}

func TestWhatIsNoTalkOfCustomersInGroupsIsLeftOut(t *testing.T) {
	r := newRig(t)
	s := r.src
	s.text("", anna, "私聊")
	s.text(room1, "zhangsan", "我是店员")
	s.say(s.message("robot", room1, "wbRRRRRRRRRRRRRRRRRRRRRRRRRRRRRR", "text", `"text":{"content":"自动回复"}`))
	s.say(`{"msgid":"125289002219525886280","action":"switch","time":1763863200000,"user":"zhangsan"}`)
	s.say(s.message("call", room1, anna, "meeting_voice_call", `"voiceid":"v","meeting_voice_call":{"endtime":1}`))
	s.text(room1, "wbing", "名字像机器人的店员")
	s.text(room1, "woBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB", "别家企业微信的客户")
	r.start()
	r.once()
	r.wantTexts("别家企业微信的客户")
	for fate, n := range map[string]int64{skippedSingle: 1, skippedStaff: 2, skippedRobot: 1, skippedSilent: 2, Posted: 1} {
		r.wantCount(fate, n)
	}
	if p := r.saved(); p.Seq != s.seq {
		t.Errorf("position %d, want %d", p.Seq, s.seq)
	}
}

func TestAMissingKeyStopsAndSkipsNothing(t *testing.T) {
	r := newRig(t)
	if err := os.Rename(filepath.Join(r.keys, "2.pem"), filepath.Join(r.keys, "2.kept")); err != nil {
		t.Fatal(err)
	}
	r.src.text(room1, anna, "旧密钥")
	held := r.src.seq
	r.src.version = 2
	r.src.text(room1, anna, "新密钥")
	r.src.version = 1
	r.src.text(room1, anna, "又是旧密钥")
	r.start()
	for range 3 {
		r.fails("版本 2", "2.pem")
		r.wantTexts("旧密钥")
		if p := r.saved(); p.Seq != held {
			t.Errorf("position %d, want %d", p.Seq, held)
		}
	}
	if err := os.Rename(filepath.Join(r.keys, "2.kept"), filepath.Join(r.keys, "2.pem")); err != nil {
		t.Fatal(err)
	}
	r.once() // without a new start
	r.wantTexts("旧密钥", "新密钥", "又是旧密钥")
	if r.a.Status().Problem != "" || len(r.refusals()) > 0 {
		t.Errorf("status %+v", r.a.Status())
	}
}

func TestAKeyOfTheWrongVersionStops(t *testing.T) {
	r := newRig(t)
	putKey(t, r.keys, 2, 1)
	r.src.text(room1, anna, "一")
	r.src.text(room1, anna, "二")
	r.start()
	r.fails("版本 1", "不符")
	r.wantTexts()
	putKey(t, r.keys, 1, 1)
	r.once()
	r.wantTexts("一", "二")
}

func TestABrokenRecordIsPutAside(t *testing.T) {
	r := newRig(t)
	r.src.text(room1, anna, "前")
	r.src.seq++
	r.src.add(Record{Seq: r.src.seq, MsgID: "broken-key", KeyVersion: 1, RandomKey: "AAAA", Message: "x"})
	r.src.seq++
	r.src.add(Record{Seq: r.src.seq, MsgID: "no-base64", KeyVersion: 1, RandomKey: "*", Message: "x"})
	r.src.say(`{"msgid":"half","action":"send"`)
	r.src.say(`{"msgid":"nobody","action":"send","roomid":"r","msgtime":1763863200000,"msgtype":"text","text":{"content":"谁说的"}}`)
	r.src.say(`{"action":"send"}`)
	r.src.text(room1, anna, "后")
	r.start()
	r.once()
	r.wantTexts("前", "后")
	rows := r.refusals()
	if len(rows) != 5 || rows[0].Record == nil || rows[0].Record.RandomKey != "AAAA" || rows[0].Record.MsgID != "broken-key" || rows[2].Post != nil {
		t.Errorf("%+v", rows)
	}
	if p := r.saved(); p.Seq != r.src.seq {
		t.Errorf("position %d, want %d", p.Seq, r.src.seq)
	}
	r.wantCount(Refused, 5)
}

func TestASourceThatRepeatsAndMixesIsPutInOrder(t *testing.T) {
	r := newRig(t)
	for i := range 6 {
		r.src.text(room1, anna, fmt.Sprint(i))
	}
	a := r.src.answers
	r.src.answers = []string{a[2], a[0], a[1], a[1], a[5], a[3], a[4], a[0]}
	r.start()
	r.once()
	r.src.answers = append(a, a[1]) // older ones come again
	r.once()
	r.wantTexts("0", "1", "2", "3", "4", "5")
}

func TestConsentIsRespected(t *testing.T) {
	r := newRig(t)
	says := func(kind, who string, field string, at int64) {
		r.src.say(r.src.message(fmt.Sprint("c", r.src.seq), "", who, kind, fmt.Sprintf(`%q:{"userid":%q,%q:%d}`, kind, who, field, at)))
	}
	day := r.clock.now().UnixMilli()
	r.src.text(room1, anna, "不同意之前")
	says("disagree", anna, "disagree_time", day)
	r.src.text(room1, anna, "不同意之后")
	r.src.text(room1, ben, "没说过")
	says("agree", anna, "agree_time", day-1000) // an older word that comes late
	r.src.text(room2, anna, "仍不同意")
	r.start()
	r.once()
	r.wantTexts("不同意之前", "没说过")
	r.wantCount(skippedDisagreed, 2)
	if len(r.box.words) != 2 || r.box.words[0].Agreed || r.box.words[0].Person != anna || r.box.words[0].At.UnixMilli() != day || !r.box.words[1].Agreed {
		t.Errorf("words %+v", r.box.words)
	}

	r.start() // it is remembered
	r.src.text(room1, anna, "重启之后")
	r.once()
	says("agree", anna, "agree_time", day/1000+5) // seconds are understood, too
	r.src.text(room1, anna, "现在同意了")
	r.once()
	r.wantTexts("不同意之前", "没说过", "现在同意了")

	r.start(func(c *Config) { c.ConsentRequired = true })
	r.src.text(room1, ben, "没表态")
	r.src.text(room1, anna, "同意过")
	r.once()
	r.wantTexts("不同意之前", "没说过", "现在同意了", "同意过")
	r.wantCount(skippedNoConsent, 1)
}

func TestATornListOfConsentsIsRead(t *testing.T) {
	r := newRig(t)
	file := filepath.Join(r.dir, consentFile)
	rows := jsonLines([]consent{{Person: anna, Agreed: true, At: time.Unix(1, 0)}, {Person: anna, Agreed: false, At: time.Unix(2, 0)}, {Person: anna, Agreed: true, At: time.Unix(3, 0)}, {Person: anna, Agreed: false, At: time.Unix(4, 0)}, {Person: ben, Agreed: false, At: time.Unix(1, 0)}})
	if err := os.WriteFile(file, rows[:len(rows)-9], 0o600); err != nil {
		t.Fatal(err)
	}
	a := r.start()
	if ok, _ := a.consents.allows(anna, false); ok {
		t.Error("the last word is lost")
	}
	if ok, _ := a.consents.allows(ben, false); !ok {
		t.Error("half a line was believed")
	}
	a.consents.note(consent{Person: ben, Agreed: false, At: time.Unix(5, 0).UTC()})
	if err := a.consents.flush(); err != nil {
		t.Fatal(err)
	}
	a = r.start()
	if ok, _ := a.consents.allows(ben, false); ok {
		t.Error("what was added behind half a line is lost")
	}
}

func TestWhatIsTakenBackBeforeItWasPostedIsNotPosted(t *testing.T) {
	r := newRig(t)
	revoke := func(id string) {
		r.src.say(strings.Replace(r.src.message(fmt.Sprint("r", r.src.seq, "_external"), room1, anna, "revoke", fmt.Sprintf(`"revoke":{"pre_msgid":%q}`, id)), `"send"`, `"recall"`, 1))
	}
	r.start()
	posted := r.src.text(room1, anna, "已转交")
	r.once()
	gone := r.src.text(room1, anna, "手滑了")
	revoke(strings.TrimSuffix(gone, "_external")) // as WeCom's own example has it
	revoke(posted)
	r.src.text(room1, anna, "后来的")
	r.once()
	r.wantTexts("已转交", "", "", "后来的")
	r.wantCount(skippedRevoked, 1)
	r.wantCount(Noticed, 2)
	if first, second := r.box.got[1], r.box.got[2]; first.Revokes != gone || second.Revokes != posted || second.Type != "revoke" || second.ChatID != room1 {
		t.Errorf("%+v", r.box.got)
	}
}

func TestPicturesComeAlong(t *testing.T) {
	r := newRig(t)
	r.src.files = map[string][]byte{"F1": []byte("picture"), "F2": make([]byte, maxPicture+1)}
	for _, file := range []string{"F1", "F2", "F3"} {
		r.src.say(r.src.message("p"+file, room1, anna, "image", fmt.Sprintf(`"image":{"md5sum":"0","filesize":7,"sdkfileid":%q}`, file)))
	}
	r.src.say(r.src.message("mix", room1, anna, "mixed", `"mixed":{"item":[{"type":"text","content":"{\"content\":\"扫码\"}"},{"type":"image","content":"{\"sdkfileid\":\"F1\"}"}]}`))
	r.start(func(c *Config) { c.Pictures = true })
	r.once()
	var got []string
	for _, p := range r.box.got {
		got = append(got, p.Type+":"+p.Text+":"+string(p.Image))
	}
	if want := []string{"image::picture", "image::", "image::", "text:扫码:picture"}; !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	seq := uint64(0)
	r.start(func(c *Config) { c.FromSeq = &seq })
	r.once()
	if last := r.box.got[len(r.box.got)-1]; last.Image != nil || last.Text != "扫码" {
		t.Errorf("without pictures: %+v", last)
	}
}

// At every call a copy of the disk is taken, as a crash would leave it. Whatever begins with one of them
// gets every message to the feed, and no position is ahead of what was accepted.
func TestACrashAnywhereLosesNothing(t *testing.T) {
	r := newRig(t)
	r.src.limit = 4
	for i := range 8 {
		r.src.text([]string{room1, room2}[i%2], anna, fmt.Sprint("m", i))
		if i == 3 {
			r.src.version = 2
			r.src.say(r.src.message("dis", "", ben, "disagree", fmt.Sprintf(`"disagree":{"userid":%q,"disagree_time":%d}`, ben, r.clock.now().UnixMilli())))
			r.src.text(room1, ben, "不许转交")
		}
	}
	type crash struct {
		dir  string
		have []string
	}
	var crashes []crash
	take := func() {
		r.box.mu.Lock()
		defer r.box.mu.Unlock()
		c := crash{dir: t.TempDir()}
		for _, p := range r.box.got {
			c.have = append(c.have, p.Text)
		}
		if err := os.CopyFS(c.dir, os.DirFS(r.dir)); err != nil {
			t.Error(err)
		}
		crashes = append(crashes, c)
	}
	failed := map[string]bool{}
	r.box.before = func(Post) { take() }
	r.box.after = func(Post) { take() }
	r.box.answer = func(p Post, n int) (int, string) { // the feed falters as well
		if n%3 == 0 && !failed[p.Text] {
			failed[p.Text] = true
			return -1, ""
		}
		return 0, ""
	}
	r.src.onPull = func(uint64) { take() }
	r.start()
	r.once()
	take()
	r.box.before, r.box.after, r.box.answer, r.src.onPull = nil, nil, nil, nil
	if len(crashes) < 25 {
		t.Fatalf("only %d moments", len(crashes))
	}
	for i, c := range crashes {
		r.dir, r.box.got = c.dir, nil
		position := r.saved().Seq
		r.start()
		r.once()
		have := map[string]bool{}
		for _, text := range append(c.have, r.box.texts()...) {
			have[text] = true
		}
		if len(have) != 8 || have["不许转交"] {
			t.Errorf("crash %d at position %d: %v before, %v after", i, position, c.have, r.box.texts())
		}
	}
}

// WeCom's library may end the whole process at a record; that must not be the end of all.
func TestARecordThatEndsTheProgramIsPutAside(t *testing.T) {
	r := newRig(t)
	r.src.text(room1, anna, "前")
	bad := r.src.say("DEADLY")
	r.src.text(room1, anna, "后")
	starts := 0
	for ended := false; !ended; starts++ {
		if starts > 10 {
			t.Fatal("it ends at every start")
		}
		func() {
			defer func() { ended = recover() == nil }()
			r.start()
			r.once()
		}()
	}
	r.wantTexts("前", "后")
	rows := r.refusals()
	if starts != maxDeaths+1 || len(rows) != 1 || rows[0].Seq != bad || rows[0].Record == nil || !strings.Contains(rows[0].Why, "again and again") {
		t.Errorf("%d starts, %+v", starts, rows)
	}
	r.src.text(room1, anna, "再后")
	r.start()
	r.once()
	r.wantTexts("前", "后", "再后")
}

func TestAStopInTheMiddleFinishesWhatIsUnderWay(t *testing.T) {
	r := newRig(t)
	for i := range 20 {
		r.src.text(room1, anna, fmt.Sprint(i))
	}
	ctx, stop := context.WithCancel(t.Context())
	r.box.before = func(p Post) {
		if p.Text == "4" {
			stop()
		}
	}
	r.start()
	r.a.Run(ctx) // returns
	if got := r.box.texts(); len(got) != 5 {
		t.Errorf("posted %v", got)
	}
	if p := r.saved(); p.Seq != 15 {
		t.Errorf("position %d, want 15", p.Seq)
	}
	if r.a.Status().Problem != "" {
		t.Errorf("a stop is no problem: %+v", r.a.Status())
	}
}

func TestADryRunChangesNothing(t *testing.T) {
	r := newRig(t)
	r.src.text(room1, anna, "一")
	r.src.text("", anna, "二")
	r.src.say("{")
	r.src.say(r.src.message("d", "", ben, "disagree", `"disagree":{"userid":"wmB"}`))
	r.start(func(c *Config) { c.DryRun = true })
	r.once()
	r.wantCount(Posted, 1)
	r.wantCount(skippedSingle, 1)
	r.wantCount(Refused, 1)
	files, err := os.ReadDir(r.dir)
	if err != nil || len(files) > 0 || r.box.asked > 0 {
		t.Errorf("files %v, %d posts, %v", files, r.box.asked, err)
	}
}

func TestPullsKeepWeComsLimits(t *testing.T) {
	r := newRig(t)
	r.src.limit = 1
	for range 30 {
		r.src.text(room1, anna, "x")
	}
	r.start()
	for range 30 {
		if _, err := r.a.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for i, at := range r.src.pulls[1:] {
		if gap := at.Sub(r.src.pulls[i]); gap < 100*time.Millisecond {
			t.Fatalf("pull %d came %v after the one before", i+1, gap)
		}
	}
}

func TestTheTimeThatIsLeftIsSaid(t *testing.T) {
	r := newRig(t)
	r.src.text(room1, anna, "早")
	r.start()
	r.once()
	since := r.clock.now()
	r.src.err = &SDKError{Code: 10009}
	ctx, stop := context.WithCancel(t.Context())
	r.src.onPull = func(uint64) {
		switch off := r.clock.now().Sub(since); {
		case off < 3*24*time.Hour:
			if strings.Contains(r.log.String(), "level=ERROR") {
				t.Error("an error on the first day")
			}
			r.clock.at = r.clock.at.Add(7 * time.Hour)
		case off < 6*24*time.Hour:
			r.clock.at = r.clock.at.Add(7 * time.Hour)
		default:
			stop()
		}
	}
	r.a.Run(ctx)
	for _, want := range []string{"level=WARN", "time_left=11", "level=ERROR", "time_left=0s", "可信IP"} {
		if !strings.Contains(r.log.String(), want) {
			t.Errorf("the log lacks %q: %s", want, r.log.String())
		}
	}
	if r.a.Status().Problem == "" {
		t.Error("no problem")
	}
	r.src.err, r.src.onPull = nil, nil
	r.src.text(room1, anna, "晚")
	r.once()
	r.wantTexts("早", "晚")
	if n := strings.Count(r.log.String(), "cannot be had any more"); n != 1 {
		t.Errorf("the gap was said %d times", n)
	}
}

func TestWhatIsTooOldIsJumpedOverWithWords(t *testing.T) {
	r := newRig(t)
	r.src.text(room1, anna, "早")
	r.start()
	r.once()
	r.clock.at = r.clock.at.Add(6 * 24 * time.Hour)
	r.src.text(room1, anna, "六天后")
	before := r.saved().Seq
	r.src.onPull = func(seq uint64) {
		r.src.err = nil
		if seq == before {
			r.src.err = &SDKError{Code: 10010}
		}
	}
	r.start()
	r.once()
	r.wantTexts("早", "六天后")
	if !strings.Contains(r.log.String(), "cannot be had any more") {
		t.Errorf("the gap was not said: %s", r.log.String())
	}
}

func TestEveryCodeOfTheLibraryHasWords(t *testing.T) {
	for code := 10000; code <= 10011; code++ {
		if msg := (&SDKError{Code: code}).Error(); len(msg) < 45 || !strings.Contains(msg, fmt.Sprint(code)) || !strings.Contains(msg, " / ") {
			t.Errorf("%d: %s", code, msg)
		}
	}
	if msg := (&SDKError{Code: 45009, Msg: "api freq out of limit"}).Error(); !strings.Contains(msg, "45009") || !strings.Contains(msg, "freq") {
		t.Error(msg)
	}
	r := newRig(t)
	r.src.err = &SDKError{Code: 10001}
	r.start()
	r.fails("10001", "网络")
	if err := r.a.Once(t.Context()); !errors.As(err, new(*SDKError)) {
		t.Errorf("once: %v", err)
	}
}

func TestAPositionIsSetByHand(t *testing.T) {
	r := newRig(t)
	for i := range 4 {
		r.src.text(room1, anna, fmt.Sprint(i))
	}
	seq := uint64(6)
	r.start(func(c *Config) { c.FromSeq = &seq })
	r.once()
	r.wantTexts("2", "3")
	if !strings.Contains(r.log.String(), "set by hand") {
		t.Error("nothing was said")
	}
}

func TestTheStateDirectoryIsOnesOwn(t *testing.T) {
	r := newRig(t)
	r.start()
	r.once()
	if _, err := OpenState(r.dir, testCorp, false); err == nil || !strings.Contains(err.Error(), "another") {
		t.Errorf("a second process: %v", err)
	}
	if err := r.state.Close(); err != nil {
		t.Fatal(err)
	}
	r.state = nil
	if _, err := OpenState(r.dir, "ww0000000000000002", false); err == nil || !strings.Contains(err.Error(), testCorp) {
		t.Errorf("another company: %v", err)
	}
	if err := os.WriteFile(filepath.Join(r.dir, positionFile), []byte(`{"seq":`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenState(r.dir, testCorp, false); err == nil || !strings.Contains(err.Error(), positionFile) {
		t.Errorf("half a position: %v", err)
	}
}

func TestKeysAreReadInBothForms(t *testing.T) {
	dir := t.TempDir()
	putKey(t, dir, 1, 1)
	putKey(t, dir, 2, 2)
	keys, err := LoadKeys(dir)
	if err != nil || !reflect.DeepEqual(keys.Versions(), []uint32{1, 2}) || keys.Bits(1) != 2048 {
		t.Fatal(keys, err)
	}
	for name, tc := range map[string]struct{ file, text, want string }{
		"a name":       {"new.pem", "", "no version"},
		"a zero":       {"0.pem", "", "no version"},
		"two names":    {"03.pem", "", "no version"},
		"no PEM":       {"3.pem", "hunter2", "no PEM"},
		"a public key": {"3.pem", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "public key"},
		"too large":    {"3.pem", strings.Repeat("x", maxKeyFile+1), "too large"},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, tc.file), []byte(tc.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadKeys(dir); err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := LoadKeys(t.TempDir()); err == nil || !strings.Contains(err.Error(), "1.pem") {
		t.Errorf("none: %v", err)
	}
}
