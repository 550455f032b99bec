package wecom

import "strings"

// The calls in use, named by their path after /cgi-bin/. Errors and Observe use these names.
const (
	opFollowUsers = "externalcontact/get_follow_user_list"
	opContact     = "externalcontact/get"
	opChats       = "externalcontact/groupchat/list"
	opChat        = "externalcontact/groupchat/get"
	opStaff       = "user/get"

	opWelcome         = "externalcontact/send_welcome_msg"
	opGroupWelcomeAdd = "externalcontact/group_welcome_template/add"
	opGroupWelcomeSet = "externalcontact/group_welcome_template/edit"

	opMassCreate  = "externalcontact/add_msg_template"
	opMassList    = "externalcontact/get_groupmsg_list_v2"
	opMassTasks   = "externalcontact/get_groupmsg_task"
	opMassResults = "externalcontact/get_groupmsg_send_result"
	opMassRemind  = "externalcontact/remind_groupmsg_send"
	opMassCancel  = "externalcontact/cancel_groupmsg_send"

	opSend       = "message/send"
	opUpdateCard = "message/update_template_card"

	opJoinWayAdd = "externalcontact/groupchat/add_join_way"
	opJoinWayGet = "externalcontact/groupchat/get_join_way"
	opJoinWaySet = "externalcontact/groupchat/update_join_way"
	opJoinWayDel = "externalcontact/groupchat/del_join_way"

	opContactWayAdd = "externalcontact/add_contact_way"
	opContactWayGet = "externalcontact/get_contact_way"
	opContactWaySet = "externalcontact/update_contact_way"
	opContactWayDel = "externalcontact/del_contact_way"

	opAppChatCreate = "appchat/create"
	opAppChatGet    = "appchat/get"
	opAppChatSet    = "appchat/update"
	opAppChatSend   = "appchat/send"

	opUpload = "media/upload"

	opRobot = "webhook/send"
)

// apiRoot stands before every call's name.
const apiRoot = "cgi-bin/"

// opOf names the call of a request's path.
func opOf(path string) string {
	if _, op, found := strings.Cut(path, "/"+apiRoot); found {
		return op
	}
	return path
}

// needsNoToken reports whether a call is made without one, with a key of its own.
func needsNoToken(op string) bool { return op == opRobot }

// isRead reports whether a call changes nothing, so that it may be made again although
// nobody knows what became of the first attempt. A call it does not know changes something.
// An upload counts as one: what a lost one leaves behind nobody ever asks for.
func isRead(op string) bool {
	switch op {
	case opToken, opFollowUsers, opContact, opChats, opChat, opStaff,
		opMassList, opMassTasks, opMassResults,
		opJoinWayGet, opContactWayGet, opAppChatGet, opUpload:
		return true
	}
	return false
}
