package panel

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"xiaobu/sandbox"
)

func TestLongListsAreShownInPagesAndSearched(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	chat, err := w.box.CreateGroup("wang", "大群")
	must(t, err)
	ids := make([]string, 2*shownPeople+5)
	for i := range ids {
		ids[i], err = w.box.AddCustomer(sandbox.Customer{Name: fmt.Sprintf("客户%03d", i)})
		must(t, err)
	}
	_, err = w.box.JoinMany(chat, sandbox.How{Scene: sandbox.SceneQR}, ids[:shownMembers+5]...)
	must(t, err)
	b := newBrowser(w)
	for _, tc := range []struct {
		path, has, hasNot string
	}{
		{"/sandbox/ui/people", "客户124", "客户064"},
		{"/sandbox/ui/people?page=2", "客户064", "客户124"},
		{"/sandbox/ui/people?page=3", "客户000", "page=4"},
		{"/sandbox/ui/people?page=99", "客户000", "page=4"},
		{"/sandbox/ui/people?q=%E5%AE%A2%E6%88%B7000", "客户000", "客户001"},
		{"/sandbox/ui/people?q=%E5%AE%A2&page=2", "q=%E5%AE%A2", "客户124"},
		{"/sandbox/ui/groups/" + chat + "?page=2", "/people/" + ids[shownMembers+4] + `"><span`, "page=3"},
		{"/sandbox/ui/groups/" + chat + "?who=" + ids[100], ids[100], ids[101]},
		{"/sandbox/ui/codes?page=x", "要的是从 1 起的整数", "上一页"},
	} {
		if _, text := b.page(tc.path); !strings.Contains(text, tc.has) || strings.Contains(text, tc.hasNot) {
			t.Errorf("%s shows %q: %t, %q: %t", tc.path, tc.has, strings.Contains(text, tc.has), tc.hasNot, strings.Contains(text, tc.hasNot))
		}
	}
	if status, _ := b.page("/sandbox/ui/people?page=0"); status != http.StatusBadRequest {
		t.Errorf("page 0: HTTP %d", status)
	}
	found, total := w.box.FindCustomers(" 客户00", 8, 5)
	if total != 10 || len(found) != 2 || found[1].ID != ids[0] {
		t.Errorf("found %d of %d: %v", len(found), total, found)
	}
}
