package sandbox

import (
	"errors"
	"strings"
	"testing"
)

func TestTheDirectoryIsRead(t *testing.T) {
	w := newWorld(t, Config{})
	must(t, w.AddDepartment(Department{ID: 5, Name: "门店"}))
	must(t, w.AddStaff(Staff{UserID: "chen", Name: "陈", Department: 5, Position: "收银", Mobile: "13800000001"}))
	must(t, w.AddStaff(Staff{UserID: "hidden", Name: "隐", Department: 5, Hidden: true, Mobile: "13800000002"}))
	must(t, w.AddStaff(Staff{UserID: "new", Name: "新", Inactive: true}))
	if out := w.get("user/list?department_id=5"); size(out["userlist"]) != 1 || dig(out, "userlist", 0, "position") != "收银" || dig(out, "userlist", 0, "mobile") != nil {
		t.Errorf("user/list: %v", out)
	}
	if out := w.get("user/list?department_id=1&fetch_child=1"); size(out["userlist"]) != 5 {
		t.Errorf("with those below: %v", out)
	}
	if out := w.get("user/simplelist?department_id=1"); size(out["userlist"]) != 4 {
		t.Errorf("without them: %v", out)
	}
	if out := w.get("department/get?id=5"); dig(out, "department", "name") != "门店" {
		t.Errorf("department/get: %v", out)
	}
	open := w.ok("user/convert_to_openid", `{"userid":"CHEN"}`)["openid"].(string)
	if out := w.ok("user/convert_to_userid", map[string]any{"openid": open}); out["userid"] != "chen" {
		t.Errorf("there and back: %v", out)
	}
	w.refused("user/getuserid", map[string]int{`{"mobile":"13800000001"}`: 0, `{"mobile":"13800000002"}`: 46004, `{}`: 40063})
	w.refused("user/convert_to_openid", map[string]int{`{}`: 41009, `{"userid":"new"}`: 43004, `{"userid":"nobody"}`: 60111, `{"userid":"hidden"}`: 60011})
	w.refused("user/convert_to_userid", map[string]int{`{}`: 40063, `{"openid":"x"}`: 46004})
	for path, want := range map[string]int{"user/list": 41019, "user/list?department_id=77": 60123, "department/get": 41019, "department/get?id=x": 40058, "department/get?id=77": 60123} {
		if out := w.get(path); code(out) != want {
			t.Errorf("%s: %v, want %d", path, out, want)
		}
	}
}

func TestTheDirectoryTellsOfChanges(t *testing.T) {
	w := newWorld(t, Config{DirectoryEvents: true})
	n := len(w.Callbacks())
	must(t, w.AddDepartment(Department{ID: 5, Name: "门店"}))
	must(t, w.AddDepartment(Department{ID: 6, Name: "收银", Parent: 5}))
	must(t, w.UpdateDepartment(Department{ID: 6, Name: "收银部", Parent: 1}))
	must(t, w.AddStaff(Staff{UserID: "chen", Name: "陈", Department: 5, Position: "收银"}))
	must(t, w.AddStaff(Staff{UserID: "hidden", Name: "隐", Hidden: true}))
	must(t, w.UpdateStaff(Staff{UserID: "CHEN", Name: "陈店长", Department: 6, Position: "收银", Inactive: true}))
	must(t, w.UpdateStaff(Staff{UserID: "chen", Name: "陈店长", Department: 6, Position: "收银", Inactive: true})) // nothing new
	must(t, w.Resign("chen"))
	must(t, w.Resign("hidden"))
	must(t, w.DeleteDepartment(6))
	const event = "change_contact."
	same(t, "events", w.kinds(n), []string{event + "create_party", event + "create_party", event + "update_party", event + "create_user",
		event + "update_user", event + "delete_user", event + "delete_party"})
	made := w.Callbacks()[n:]
	for i, want := range map[int][]string{
		1: {"<Id>6</Id>", "<Name><![CDATA[收银]]></Name>", "<ParentId>5</ParentId>", "<Order>"},
		2: {"<Name><![CDATA[收银部]]></Name>", "<ParentId>1</ParentId>"},
		3: {"<UserID><![CDATA[chen]]></UserID>", "<Department><![CDATA[5]]></Department>", "<MainDepartment>5</MainDepartment>", "<Status>1</Status>"},
		4: {"<Name><![CDATA[陈店长]]></Name>", "<Department><![CDATA[6]]></Department>", "<Status>4</Status>"},
		6: {"<Id>6</Id>"},
	} {
		for _, part := range want {
			if !strings.Contains(made[i].XML, part) {
				t.Errorf("no %s in %s", part, made[i].XML)
			}
		}
	}
	if strings.Contains(made[4].XML, "Position") {
		t.Errorf("what did not change is told: %s", made[4].XML)
	}
}

func TestTheDirectoryChangesOnlyWhatItCan(t *testing.T) {
	w := newWorld(t, Config{})
	must(t, w.AddDepartment(Department{ID: 5, Name: "门店"}))
	must(t, w.AddDepartment(Department{ID: 6, Name: "收银", Parent: 5}))
	must(t, w.AddStaff(Staff{UserID: "chen", Name: "陈", Department: 6}))
	for what, err := range map[string]error{
		"below itself":       w.UpdateDepartment(Department{ID: 5, Name: "x", Parent: 6}),
		"the company moves":  w.UpdateDepartment(Department{ID: 1, Name: "x", Parent: 5}),
		"without a name":     w.UpdateDepartment(Department{ID: 5}),
		"not empty":          w.DeleteDepartment(5),
		"with people":        w.DeleteDepartment(6),
		"the company":        w.DeleteDepartment(1),
		"staff without name": w.UpdateStaff(Staff{UserID: "chen"}),
	} {
		if err == nil || errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, err := range map[string]error{
		"below nothing": w.UpdateDepartment(Department{ID: 5, Name: "x", Parent: 77}), "no department": w.DeleteDepartment(77),
		"nobody": w.UpdateStaff(Staff{UserID: "nobody", Name: "x"}), "into nothing": w.UpdateStaff(Staff{UserID: "chen", Name: "x", Department: 77}),
	} {
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
	must(t, w.UpdateDepartment(Department{ID: 1, Name: "新公司"}))
	if n := len(w.Callbacks()); n != 0 {
		t.Errorf("%d events without DirectoryEvents", n)
	}
}
