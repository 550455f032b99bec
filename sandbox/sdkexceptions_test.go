package sandbox

// Reasons that come more than once.
const (
	thirdParty = "for providers of apps to other companies"
	panics     = "panics"
	asksNobody = "makes no request"
	writesBook = "writes the address book"
	notPlayed  = "not played: not needed for customer groups"
)

// sdkExceptions are the calls of both SDKs that TestSDKs does not see answered with errcode 0,
// by client and method or for a whole client, and why.
func sdkExceptions() map[string]string {
	return map[string]string{
		// PowerWeChat: other products and other kinds of apps.
		"AccountService.*": "微信客服", "AccountServiceCustomer.*": "微信客服", "AccountServiceMessage.*": "微信客服",
		"AccountServiceServicer.*": "微信客服", "AccountServiceState.*": "微信客服", "AccountServiceTag.*": "微信客服",
		"OA.*": "效率工具", "OAApproval.*": "效率工具", "OACalendar.*": "效率工具", "OADial.*": "效率工具", "OAJournal.*": "效率工具",
		"OALiving.*": "效率工具", "OAMeeting.*": "效率工具", "OAMeetingRoom.*": "效率工具", "OAPSTNCC.*": "效率工具",
		"OASchedule.*": "效率工具", "OAWeDoc.*": "效率工具", "OAWeDrive.*": "效率工具",
		"CorpGroup.*": "企业互联", "UserLinkedCorp.*": "企业互联", "MessageLinkedCorp.*": "企业互联",
		"MessageExternalContact.*": "家校沟通", "Invoice.*": "电子发票", "MsgAudit.*": "会话内容存档",
		"UserBatchJobs.*": writesBook, "UserExportJobs.*": "exports the address book",
		"ExternalContactCustomerStrategy.*": "规则组", "ExternalContactMomentStrategy.*": "规则组",
		// silenceper: the same.
		"Checkin.*": "效率工具", "KF.*": "微信客服",

		"ExternalContactTag.AddStrategyTag": "规则组", "ExternalContactTag.DelStrategyTag": "规则组",
		"ExternalContactTag.EditStrategyTag": "规则组", "ExternalContactTag.GetStrategyTagList": "规则组",
		"ExternalContact.AddStrategyTag": "规则组", "ExternalContact.DelStrategyTag": "规则组", "ExternalContact.EditStrategyTag": "规则组",
		"ExternalContact.GetStrategyTagList": "规则组", "ExternalContact.CreateCustomerStrategy": "规则组", "ExternalContact.DelCustomerStrategy": "规则组",
		"ExternalContact.EditCustomerStrategy": "规则组", "ExternalContact.GetCustomerStrategy": "规则组", "ExternalContact.GetRangeCustomerStrategy": "规则组",
		"ExternalContact.ListCustomerStrategy": "规则组", "ExternalContact.CreateMomentStrategy": "规则组", "ExternalContact.DelMomentStrategy": "规则组",
		"ExternalContact.EditMomentStrategy": "规则组", "ExternalContact.GetMomentStrategy": "规则组", "ExternalContact.GetRangeMomentStrategy": "规则组",
		"ExternalContact.ListMomentStrategy":        "规则组",
		"ExternalContact.GetCallbackMessage":        asksNobody, // tried with the callbacks
		"ExternalContact.GetChatInfo":               "not played: its chat_key comes with an event that is not documented well enough",
		"ExternalContact.GetPermit":                 notPlayed,
		"ExternalContact.FromServiceExternalUserID": thirdParty, "ExternalContact.GetNewExternalUserID": thirdParty,
		"ExternalContactGroupChat.GetNewExternalUserID": thirdParty, "IdConvert.ExternalTagIDToOpenExternalTagID": thirdParty,
		"IdConvert.ExternalUserIDToPendingID": thirdParty, "IdConvert.OpenUserIDToUserID": thirdParty, "IdConvert.UserIDToOpenUserID": thirdParty,

		// PowerWeChat: panics whatever it is given (see powerPanics), or asks nobody.
		"Message.Message": panics, "Messager.Message": panics, "Messager.Send": panics,
		"GroupRobot.Message": asksNobody, "GroupRobotMessenger.Message": asksNobody, "GroupRobotMessenger.ToGroup": asksNobody,
		"Messager.OfAgent": asksNobody, "Messager.Secretive": asksNobody, "Messager.SetRecipients": asksNobody,
		"Messager.ToParty": asksNobody, "Messager.ToTag": asksNobody, "Messager.ToUser": asksNobody,

		"OAuth.Redirect":           panics,
		"JSSDK.GetTicketSignature": asksNobody, "JSSDK.GetUrl": asksNobody, "JSSDK.OverrideGetAppID": asksNobody, "JSSDK.SetUrl": asksNobody,
		"Oauth.GetQrContentTargetURL": asksNobody, "Oauth.GetTargetPrivateURL": asksNobody, "Oauth.GetTargetURL": asksNobody,

		// The address book is written in the console or by its own secret; the app only reads it.
		"User.Accept": writesBook, "User.BatchDelete": writesBook, "User.Create": writesBook, "User.Delete": writesBook,
		"User.Invite": writesBook, "User.Update": writesBook, "UserTag.*": writesBook,
		"Department.Create": writesBook, "Department.Delete": writesBook, "Department.Update": writesBook,
		"AddressList.AddTagUsers": writesBook, "AddressList.BatchInvite": writesBook, "AddressList.CreateTag": writesBook,
		"AddressList.DelTagUsers": writesBook, "AddressList.DeleteTag": writesBook, "AddressList.DepartmentCreate": writesBook,
		"AddressList.DepartmentDelete": writesBook, "AddressList.DepartmentUpdate": writesBook, "AddressList.GetTag": writesBook,
		"AddressList.ListTag": writesBook, "AddressList.UpdateTag": writesBook, "AddressList.UserAuthSucc": writesBook,
		"AddressList.UserBatchDelete": writesBook, "AddressList.UserCreate": writesBook, "AddressList.UserDelete": writesBook,
		"AddressList.UserUpdate":        writesBook,
		"AddressList.GetLinkedCorpUser": "企业互联", "AddressList.GetPermList": "企业互联", "AddressList.LinkedCorpDepartmentList": "企业互联",
		"AddressList.LinkedCorpSimpleList": "企业互联", "AddressList.LinkedCorpUserList": "企业互联",
		// Reads that WeCom has and an app for customer groups has no use for.
		"User.EmailToUserID": notPlayed, "User.GetActiveStat": notPlayed,
		"User.GetJoinQrCode":           notPlayed,
		"AddressList.GetJoinQrcode":    notPlayed,
		"AddressList.GetUseridByEmail": notPlayed,
		"Oauth.GetTfaInfo":             "二次验证", "Oauth.TfaSucc": "二次验证",
		"Agent.List": notPlayed, "Agent.Set": notPlayed, "AgentWorkbench.*": notPlayed, "Menu.*": notPlayed,
	}
}

// noSDK are the calls of the platform that neither SDK makes.
func noSDK() map[string]bool {
	const ec = "externalcontact/"
	return map[string]bool{
		ec + "contact_list": true, ec + "add_intercept_rule": true, ec + "del_intercept_rule": true,
		"aibot/response":          true,
		ec + "get_intercept_rule": true, ec + "get_intercept_rule_list": true, ec + "update_intercept_rule": true,
	}
}
