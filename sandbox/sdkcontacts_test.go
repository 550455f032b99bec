package sandbox

import (
	"testing"
)

func powerContacts(t *testing.T, r *rig) {
	c := r.power.ExternalContact
	out, err := c.GetFollowUsers(r.ctx)
	answered[any](t)(out, err)
	same(t, "follow users", out.FollowUser, []string{"wang", "li", "zhao"})
}

func silentContacts(t *testing.T, r *rig) {
	c := r.silent.GetExternalContact()
	users := got[[]string](t)(c.GetFollowUserList())
	same(t, "follow users", users, []string{"wang", "li", "zhao"})
}
