package stories

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// goodID is what ids of stores and staff are made of.
var goodID = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,40}$`)

const day = 24 * time.Hour

// Parse reads a story. The name is only for messages. The error is an *Error.
func Parse(name string, data []byte) (*Script, error) {
	fail := func(line int, format string, args ...any) (*Script, error) {
		return nil, &Error{name, []Problem{{Line: line, Wrong: fmt.Sprintf(format, args...)}}}
	}
	if len(data) > maxFileBytes {
		return fail(0, "has %d bytes, at most %d are allowed", len(data), maxFileBytes)
	}
	dec := yaml.NewDecoder(strings.NewReader(string(data)))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) || err == nil && len(doc.Content) == 0 {
		return fail(0, "is empty")
	} else if err != nil {
		return fail(0, "%s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return fail(0, "holds more than one document")
	}
	r := &reader{}
	sc := &Script{Name: name}
	root := value{r, resolved(doc.Content[0]), doc.Content[0].Line, ""}
	sc.read(root.fields("days: 7"))
	if len(r.problems) == 0 {
		sc.check(root)
	}
	if len(r.problems) > 0 {
		slices.SortStableFunc(r.problems, func(a, b Problem) int { return a.Line - b.Line })
		return nil, &Error{name, r.problems}
	}
	return sc, nil
}

func (sc *Script) read(f *fields) {
	title := f.get("title").fields("{zh: 三家门店, en: three stores}")
	sc.Zh, sc.En = title.get("zh").need(200, "三家门店"), title.get("en").need(200, "three stores")
	title.end()
	sc.Days = f.get("days").whole(7, 1, maxDays, "7")
	sc.readCustomers(f.get("customers").fields("{count: 300}"))
	sc.readStores(f)
	sc.readDiligence(f.get("diligence").fields("{prompt: {confirm: 2m..12m}}"))
	sc.readJoins(f.get("joins").fields("{per_day: 40}"))
	contacts := f.get("contacts").fields("{per_day: 10}")
	sc.Contacts = Contacts{
		PerDay: contacts.get("per_day").number(0, 0, maxPerDay, "10"),
		Half:   contacts.get("half").share(0.05, "5%"), Deleted: contacts.get("deleted").share(0.1, "10%"),
	}
	contacts.end()
	leaves := f.get("leaves").fields("{share: 14%}")
	sc.Leaves = Leaves{
		Share: leaves.get("share").share(0, "14%"), Return: leaves.get("return").share(0, "30%"),
		After:       leaves.get("after").span(Span{time.Hour, 3 * day}, maxDays*day, "1h..3d"),
		ReturnAfter: leaves.get("return_after").span(Span{3 * time.Hour, 30 * time.Hour}, maxDays*day, "3h..30h"),
		Daily:       leaves.get("daily").share(0, "0.2%"),
	}
	leaves.end()
	sc.readGrowth(f)
	sc.readTalk(f.get("talk").fields("{small_talk: {per_day: 3, texts: [今天人好多]}}"))
	for _, v := range f.get("spammers").items(50, "[{names: [兼职琳琳], texts: [加我微信]}]") {
		sc.readSpammer(v.fields("{names: [兼职琳琳]}"))
	}
	for _, v := range f.get("events").items(maxEvents, `[{day: 2, at: "15:00", resign: wang_xb}]`) {
		sc.readEvent(v.fields(`{day: 2, at: "15:00", resign: wang_xb}`))
	}
	sc.readBot(f.get("bot").fields("{labels: [秒杀]}"))
	f.end()
}

func (sc *Script) readCustomers(f *fields) {
	sc.Customers = Customers{
		Count:     f.get("count").whole(0, 0, maxPeople, "300"),
		UnionID:   f.get("union_id").share(0.85, "85%"),
		WeCom:     f.get("wecom").share(0, "2%"),
		OddNames:  f.get("odd_names").share(0.03, "3%"),
		AlsoStaff: f.get("also_staff").whole(0, 0, maxStaff, "2"),
		Names:     f.get("names").texts(maxTexts, maxName, "小鱼儿🐟"),
	}
	f.end()
}

func (sc *Script) readStores(f *fields) {
	every := f.get("every_store").fields("{staff: […], groups: […]}")
	staff, groups := readStaff(every.get("staff")), readGroups(every.get("groups"))
	every.end()
	list := f.get("stores")
	if !list.has() {
		list.wrong("[{id: xingfuli, name: 幸福里店}]", "is missing")
	}
	for _, v := range list.items(maxStores, "[{id: xingfuli, name: 幸福里店}]") {
		one := v.fields("{id: xingfuli, name: 幸福里店}")
		st := StorePlan{
			ID: one.get("id").id("xingfuli"), Name: one.get("name").need(maxName, "幸福里店"), Region: one.get("region").text(maxName, "城东"),
			Visitors: one.get("visitors").number(1, 0, 1000, "1.5"), Staff: staff, Groups: groups, line: v.line,
		}
		if own := one.get("staff"); own.has() {
			st.Staff = readStaff(own)
		}
		if own := one.get("groups"); own.has() {
			st.Groups = readGroups(own)
		}
		one.end()
		sc.Stores = append(sc.Stores, st)
	}
}

// id reads an id.
func (v value) id(example string) string {
	t := v.need(64, example)
	if t != "" && !goodID.MatchString(strings.NewReplacer("{store}", "s", "{n}", "1").Replace(t)) {
		v.wrong(example, "%q: want 1 to 40 letters, digits, _ . -", t)
	}
	return t
}

func readStaff(v value) (out []StaffPlan) {
	for _, one := range v.items(maxStaff, "[{id: wang_xb, name: 王小棉}]") {
		f := one.fields("{id: wang_xb, name: 王小棉}")
		p := StaffPlan{
			ID: f.get("id").id("wang_xb"), Name: f.get("name").text(maxName, "王小棉"), Position: f.get("position").text(maxName, "收银"),
			Count: f.get("count").whole(1, 1, maxStaff, "4"), Owner: f.get("owner").flag(), Manager: f.get("manager").flag(),
			Hidden: f.get("hidden").flag(), Inactive: f.get("inactive").flag(), NoContacts: f.get("no_contacts").flag(),
			Diligence: f.get("diligence").text(maxName, "prompt"), Brings: f.get("brings").number(1, 0, 1000, "2"),
		}
		if p.Count > 1 && !strings.Contains(p.ID, "{n}") {
			f.get("id").wrong("sy{n}", "%q: with a count it must hold {n}", p.ID)
		}
		f.end()
		out = append(out, p)
	}
	return out
}

func readGroups(v value) (out []GroupPlan) {
	for _, one := range v.items(maxGroups, "[{name: '{store}{n}群', count: 2}]") {
		f := one.fields("{name: '{store}{n}群', count: 2}")
		p := GroupPlan{
			Name: f.get("name").need(maxName, "'{store}{n}群'"), Owner: f.get("owner").text(64, "wang_xb"),
			Count: f.get("count").whole(1, 1, maxGroups, "2"), Members: f.get("members").counts(maxMembers, "430..480"),
			Age: f.get("age").span(Span{}, 3650*day, "200d..400d"), Active: f.get("active").whole(0, 0, maxMembers, "40"),
		}
		if p.Count > 1 && !strings.Contains(p.Name, "{n}") {
			f.get("name").wrong("'{store}{n}群'", "%q: with a count it must hold {n}", p.Name)
		}
		if p.Members.High > 0 && p.Age.High == 0 {
			f.get("age").wrong("200d..400d", "is missing: the members joined at some time before the start")
		}
		f.end()
		out = append(out, p)
	}
	return out
}

func (sc *Script) readDiligence(f *fields) {
	sc.Diligence = map[string]Diligence{}
	for _, name := range f.keys {
		one := f.get(name).fields("{confirm: 2m..12m, reminded: 5m..15m, card: 3m..12m}")
		maybe := func(key string) *Span {
			v := one.get(key)
			if !v.has() {
				return nil
			}
			s := v.span(Span{}, maxDays*day, "2m..12m")
			return &s
		}
		sc.Diligence[name] = Diligence{Confirm: maybe("confirm"), Reminded: maybe("reminded"), Card: maybe("card")}
		one.end()
	}
}

func (sc *Script) readJoins(f *fields) {
	j := Joins{
		PerDay: f.get("per_day").number(0, 0, maxPerDay, "40"),
		Repeat: f.get("repeat").share(0, "15%"), Newest: f.get("into").choice("any", "newest") == "newest",
	}
	hours := f.get("hours").fields("{9: 1, 10: 3, 18: 2}")
	for h := range 24 {
		j.Hours[h] = hours.get(fmt.Sprint(h)).number(0, 0, 1000, "3")
	}
	hours.end()
	if !hours.has() {
		for h := 8; h <= 20; h++ {
			j.Hours[h] = 1
		}
	}
	week := f.get("weekdays").fields("{mon: 0.7, sat: 1}")
	for i, name := range []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} {
		j.Weekdays[i] = week.get(name).number(1, 0, 1000, "0.7")
	}
	week.end()
	for _, v := range f.get("by_day").items(maxDays, "[0.5, 1, 2]") {
		j.ByDay = append(j.ByDay, v.number(1, 0, 1000, "0.5"))
	}
	ways := f.get("ways").fields("{code: 45, invitation: 30, link: 25}")
	j.Code, j.Invitation, j.Link = ways.get("code").number(0, 0, 1000, "45"), ways.get("invitation").number(0, 0, 1000, "30"), ways.get("link").number(0, 0, 1000, "25")
	ways.end()
	if j.Code+j.Invitation+j.Link == 0 {
		j.Link = 1
		if f.get("ways").has() {
			f.get("ways").wrong("{code: 45, invitation: 30, link: 25}", "at least one must be above 0")
		}
	}
	f.end()
	sc.Joins = j
}
