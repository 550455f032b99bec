package sandbox

// Reasons that come more than once.
const (
	thirdParty = "for providers of apps to other companies"
	panics     = "panics"
	asksNobody = "makes no request"
	awaited    = "not played or not driven yet"
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
		"UserBatchJobs.*": "writes the address book", "UserExportJobs.*": "exports the address book",
		"ExternalContactCustomerStrategy.*": "规则组", "ExternalContactMomentStrategy.*": "规则组",
		// silenceper: the same.
		"Checkin.*": "效率工具", "KF.*": "微信客服",

		"ExternalContactTag.AddStrategyTag": "规则组", "ExternalContactTag.DelStrategyTag": "规则组",
		"ExternalContactTag.EditStrategyTag": "规则组", "ExternalContactTag.GetStrategyTagList": "规则组",
		"ExternalContact.FromServiceExternalUserID": thirdParty, "ExternalContact.GetNewExternalUserID": thirdParty,
		"ExternalContactGroupChat.GetNewExternalUserID": thirdParty, "IdConvert.ExternalTagIDToOpenExternalTagID": thirdParty,
		"IdConvert.ExternalUserIDToPendingID": thirdParty, "IdConvert.OpenUserIDToUserID": thirdParty, "IdConvert.UserIDToOpenUserID": thirdParty,

		// PowerWeChat: panics whatever it is given (see powerPanics), or asks nobody.
		"Message.Message": panics, "Messager.Message": panics, "Messager.Send": panics,
		"Messager.OfAgent": asksNobody, "Messager.Secretive": asksNobody, "Messager.SetRecipients": asksNobody,
		"Messager.ToParty": asksNobody, "Messager.ToTag": asksNobody, "Messager.ToUser": asksNobody,

		"Agent.*": awaited, "AgentWorkbench.*": awaited, "Auth.*": awaited, "Department.*": awaited,
		"ExternalContact.*": awaited, "ExternalContactContactWay.*": awaited, "ExternalContactCustomerAcquisition.*": awaited,
		"ExternalContactTransfer.*": awaited,
		"GroupRobot.*":              awaited, "GroupRobotMessenger.*": awaited, "JSSDK.*": awaited, "Media.*": awaited,
		"Menu.*": awaited, "OAuth.*": awaited,
		"User.*": awaited, "UserTag.*": awaited,
		"AddressList.*": awaited, "JsSdk.*": awaited,
		"Oauth.*": awaited, "Robot.*": awaited,
	}
}
