package stories

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// check looks at what the parts of a story say about each other. It comes after the parts
// are right by themselves.
func (sc *Script) check(root value) {
	wrong := func(line int, key, example, what string) {
		root.r.problems = append(root.r.problems, Problem{line, key, what, example})
	}
	if sc.tooMany(wrong) {
		return
	}
	staff, groups, members := map[string]bool{}, map[string]bool{}, 0
	positions, stores := map[string]bool{}, map[string]bool{}
	for _, st := range sc.Stores {
		if stores[st.ID] {
			wrong(st.line, "stores", "", "the id "+st.ID+" is used twice")
		}
		stores[st.ID] = true
		people, owners := st.people(), 0
		for _, p := range people {
			if staff[strings.ToLower(p.ID)] {
				wrong(st.line, "stores", "{store}_xb", "the staff id "+p.ID+" is used twice")
			}
			staff[strings.ToLower(p.ID)] = true
			positions[p.Position] = true
			if _, ok := sc.Diligence[p.Diligence]; p.Diligence != "" && !ok {
				wrong(st.line, "staff.diligence", "", strconv.Quote(p.Diligence)+" is not described under diligence")
			}
			if p.Owner && p.NoContacts {
				wrong(st.line, "staff.owner", "", p.ID+" may not own groups without contacts")
			}
			if p.Owner {
				owners++
			}
		}
		if owners == 0 {
			wrong(st.line, "staff.owner", "{id: wang_xb, owner: true}", st.Name+" has nobody with owner: true")
		}
		for _, g := range st.rooms() {
			if groups[g.Name] {
				wrong(st.line, "groups.name", "'{store}{n}群'", "the name "+g.Name+" is used twice")
			}
			groups[g.Name] = true
			members += g.Members.High
			if g.Owner != "" && !slices.ContainsFunc(people, func(p StaffPlan) bool { return p.ID == g.Owner && p.Owner }) {
				wrong(st.line, "groups.owner", "", g.Owner+" is nobody of "+st.Name+" with owner: true")
			}
			if g.Members.High+len(people) > 500 {
				wrong(st.line, "groups.members", "", g.Name+" would hold more than 500 people with the staff")
			}
		}
	}
	if n := members + sc.Customers.Count; n > maxPeople {
		wrong(0, "stores", "", fmt.Sprintf("there are %d customers in all, at most %d are allowed", n, maxPeople))
	}
	sc.checkNames(wrong, staff, groups, positions, stores)
	sc.checkWeights(wrong)
}

// tooMany reports whether there are more staff, groups or advertisements than are allowed,
// without making them one by one.
func (sc *Script) tooMany(wrong func(int, string, string, string)) bool {
	staff, groups, spam := 0, 0, 0
	for _, st := range sc.Stores {
		for _, p := range st.Staff {
			staff += p.Count
		}
		for _, g := range st.Groups {
			groups += g.Count
		}
	}
	for _, s := range sc.Spammers {
		for _, raid := range s.Raids {
			spam += (len(raid.Groups) + raid.Any) * s.Each
		}
	}
	many := false
	for _, c := range []struct {
		key, what string
		n, most   int
	}{{"stores", "staff", staff, maxStaff}, {"stores", "groups", groups, maxGroups}, {"spammers", "advertisements", spam, maxSpam}} {
		if c.n > c.most {
			many = true
			wrong(0, c.key, "", fmt.Sprintf("there are %d %s in all, at most %d are allowed", c.n, c.what, c.most))
		}
	}
	return many
}

func (sc *Script) checkNames(wrong func(int, string, string, string), staff, groups, positions, stores map[string]bool) {
	known := func(in map[string]bool, name, key string) {
		if name != "" && !in[name] {
			wrong(0, key, "", strconv.Quote(name)+" does not exist in this story")
		}
	}
	for i, e := range sc.Events {
		key := "events[" + strconv.Itoa(i+1) + "]." + e.Kind
		known(staff, strings.ToLower(e.Staff), key)
		known(groups, e.Group, key)
		known(stores, e.StoreID, key)
	}
	for _, c := range sc.Bot.Codes {
		known(positions, c.Position, "bot.codes.position")
	}
	for _, p := range sc.Bot.Promotions {
		for _, id := range p.Stores {
			known(stores, id, "bot.promotions.stores")
		}
	}
	for _, s := range sc.Spammers {
		for _, r := range s.Raids {
			for _, n := range r.Groups {
				if n > len(groups) {
					wrong(0, "spammers.raids.groups", "", "there is no group "+strconv.Itoa(n)+", only "+strconv.Itoa(len(groups)))
				}
			}
		}
	}
}

// checkWeights demands that somebody can be drawn wherever something is drawn.
func (sc *Script) checkWeights(wrong func(int, string, string, string)) {
	sum := func(all []float64) (total float64) {
		for _, w := range all {
			total += w
		}
		return total
	}
	if sum(sc.Joins.Hours[:]) == 0 {
		wrong(0, "joins.hours", "{10: 3}", "at least one must be above 0")
	}
	if total := 0.0; sc.Joins.PerDay > 0 {
		for d := range sc.Days {
			total += sc.Joins.weight(d)
		}
		if total == 0 {
			wrong(0, "joins", "{mon: 0.7}", "no day of the story has a weight above 0")
		}
	}
	visitors := 0.0
	for _, st := range sc.Stores {
		visitors += st.Visitors
	}
	if visitors == 0 {
		wrong(0, "stores.visitors", "1", "at least one store must have visitors")
	}
	if sc.Customers.Count == 0 && (sc.Joins.PerDay > 0 || sc.Contacts.PerDay > 0) {
		wrong(0, "customers.count", "300", "is missing: there is nobody who could come")
	}
}

// weight is how busy a day of the story is, counted from 0; stories begin on a Monday.
func (j Joins) weight(d int) float64 {
	if len(j.ByDay) > 0 {
		return j.ByDay[d%len(j.ByDay)]
	}
	return j.Weekdays[(d+1)%7]
}

// people are the staff of a store one by one.
func (st StorePlan) people() []StaffPlan {
	var out []StaffPlan
	for _, p := range st.Staff {
		for n := range p.Count {
			one := p
			one.ID, one.Count = st.fill(p.ID, n+1, true), 1
			out = append(out, one)
		}
	}
	return out
}

// rooms are the groups of a store one by one.
func (st StorePlan) rooms() []GroupPlan {
	var out []GroupPlan
	for _, g := range st.Groups {
		for n := range g.Count {
			one := g
			one.Name, one.Owner, one.Count = st.fill(g.Name, n+1, false), st.fill(g.Owner, n+1, true), 1
			out = append(out, one)
		}
	}
	return out
}

// fill puts the store and a number into a pattern: the store's id into ids, else its name.
func (st StorePlan) fill(pattern string, n int, id bool) string {
	store := st.Name
	if id {
		store = st.ID
	}
	return strings.NewReplacer("{store}", store, "{n}", strconv.Itoa(n)).Replace(pattern)
}
