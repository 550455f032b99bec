// Package moderation keeps groups free of advertising: it judges what is said by the text and
// by what is known about the sender, writes every verdict down with its reasons, and sees
// removals through.
//
// In a customer group only the owner can remove anybody, so people are asked and the group's
// own member list is believed; in app chats the bot removes by itself. Complaints and dissent
// are nobody's spam.
package moderation
