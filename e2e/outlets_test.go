package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

type robotOfAPI struct{ ID, Name, Key string }

func TestRobotsAreKeptWithoutShowingTheirKeys(t *testing.T) {
	t.Parallel()
	r, _ := townRig(t)
	const key = "693a91f6-7aaa-4bc4-97a0-0ec2f83a5aaa"
	body := map[string]any{"name": "店长群", "webhook": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=" + key}
	var first, again, named robotOfAPI
	r.want(http.StatusCreated, http.MethodPost, "/robots", body, &first, "Idempotency-Key", "a")
	r.want(http.StatusCreated, http.MethodPost, "/robots", body, &again, "Idempotency-Key", "a")
	if first != again || first.Name != "店长群" || first.Key != "****5aaa" {
		t.Errorf("first %+v, again %+v", first, again)
	}
	r.want(http.StatusConflict, http.MethodPost, "/robots", body, nil)
	for _, bad := range []string{`{"name":"","webhook":"` + key + `"}`, `{"name":"x","webhook":"short"}`, `{"name":"x","webhook":"https://evil.example/cgi-bin/webhook/send?key=` + key + `"}`} {
		r.want(http.StatusUnprocessableEntity, http.MethodPost, "/robots", bad, nil)
	}
	// A report that names the same robot does not keep it twice, and cannot be left without.
	r.want(http.StatusOK, http.MethodPut, "/reports/chain", map[string]any{"target": map[string]any{"robot": key}}, nil)
	r.want(http.StatusConflict, http.MethodDelete, "/robots/"+first.ID, nil, nil)
	r.want(http.StatusOK, http.MethodPut, "/reports/chain", map[string]any{"target": map[string]any{"robot": "aaaabbbb-7aaa-4bc4-97a0-0ec2f83a5bbb"}}, nil)
	r.want(http.StatusNoContent, http.MethodDelete, "/robots/"+first.ID, nil, nil)
	r.want(http.StatusNotFound, http.MethodGet, "/robots/"+first.ID, nil, nil)
	r.want(http.StatusNotFound, http.MethodDelete, "/robots/x", nil, nil)
	// The one that the report brought may be given a name.
	r.want(http.StatusCreated, http.MethodPost, "/robots", map[string]any{"name": "总部群", "webhook": "aaaabbbb-7aaa-4bc4-97a0-0ec2f83a5bbb"}, &named)
	if all := items[robotOfAPI](r, "/robots"); !slices.Equal(all, []robotOfAPI{named}) || named.Name != "总部群" {
		t.Errorf("robots %+v, named %+v", all, named)
	}
	if strings.Contains(r.log.String(), key) {
		t.Error("the robot's key is in the log")
	}
}
