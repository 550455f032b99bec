package sandbox

// awaited marks what the sandbox does not play yet or nobody has driven yet.
const awaited = "awaited"

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

		"Agent.*": awaited, "AgentWorkbench.*": awaited, "Auth.*": awaited, "Department.*": awaited,
		"ExternalContact.*": awaited, "ExternalContactContactWay.*": awaited, "ExternalContactCustomerAcquisition.*": awaited,
		"ExternalContactGroupChat.*": awaited,
		"ExternalContactMoment.*":    awaited, "ExternalContactStatistics.*": awaited, "ExternalContactTag.*": awaited, "ExternalContactTransfer.*": awaited,
		"GroupRobot.*": awaited, "GroupRobotMessenger.*": awaited, "IdConvert.*": awaited, "JSSDK.*": awaited, "Media.*": awaited,
		"Menu.*": awaited, "Message.*": awaited, "Messager.*": awaited, "OAuth.*": awaited,
		"User.*": awaited, "UserTag.*": awaited,
		"AddressList.*": awaited, "AppChat.*": awaited, "JsSdk.*": awaited,
		"Oauth.*": awaited, "Robot.*": awaited,
	}
}
