// Package wecom is the real WeCom (企业微信) platform: the callback that brings events in
// and the API client that carries actions out.
//
// The wire spelling of WeCom ends here. Requests travel through PowerWeChat, which sits on
// our own http.RoundTripper: that one alone knows the access token, keeps the quotas,
// repeats what may be repeated and turns every refusal into a *bot.APIError. A call whose
// fate is unknown is a *bot.UnknownError and is never repeated here.
package wecom
