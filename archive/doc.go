// Package archive brings what is said in customer groups from WeCom's message archive
// (会话内容存档) to the message feed.
//
// It pulls records by their sequence number, opens them with the private key of their
// version, leaves out what is not the bot's business (single chats, staff, people who did
// not consent), and posts the rest to the feed, each group in its order. Its position moves
// only over messages that the feed has answered for, and is on disk before more is pulled
// from behind it: a crash repeats messages, which their ids make harmless, and skips none.
//
// WeCom's library stands behind Source, for it runs on few machines; the clock and waiting
// are handed in.
package archive
