package spam

// signal is a set of things found in a piece of text, one bit each. All 64 bits are taken;
// one more does not compile.
type signal uint64

// What a text is about. The first group is never the business of a shop's group; the
// second is only so in company.
const (
	sigJob     signal = 1 << iota // paid clicks, fake orders, posting for others
	sigLaunder                    // moving money, renting out accounts and cards
	sigGamble
	sigBonus // a gambling house's welcome money
	sigPorn
	sigLoan
	sigDocs // invoices, certificates, exams by proxy
	sigFake // counterfeits, tobacco, contraband
	sigBoost
	sigStock
	sigScam

	sigWork  // a job, a side job, a project
	sigPay   // paid by the day or the piece
	sigEarn  // promises of income
	sigFlesh // suggestive words
	sigCredit
	sigGoods // game money, accounts and the like
	sigTrade // selling, buying in bulk
	sigOffer // a clause that starts with "selling" or "buying"
	sigRatio
	sigRate // an amount per piece or per day
	sigPrice
	sigInduce  // free gifts, red packets
	sigScarce  // only a few left
	sigTone    // the tone of advertisements: honest, goods first, no swindlers please
	sigPartner // looking for agents and partners

	// How to get in touch.
	sigWechat
	sigWechatVeiled
	sigQQ
	sigQQVeiled
	sigMessenger
	sigAdd
	sigAddVeiled
	sigPrivate
	sigPrivateVeiled
	sigReach  // contact, enquire, phone
	sigTakers // "who wants it"
	sigToken  // an account name or number after a medium's name
	sigPhone
	sigNumber // a number that may be an account
	sigVeiledDigits
	sigHandle
	sigLink
	sigOddLink
	sigReferral // an invitation code, a link to be opened in the browser
	sigQR
	sigProfile // "see my name"
	sigGroup   // join a group
	sigGroupVeiled

	// How it is written.
	sigApart  // a word taken apart
	sigStyled // many styled or look-alike characters
	sigRepeat

	// What speaks against.
	sigQuestion
	sigShopping
	sigOrderList
	sigComplaint
	sigProtest // threatens to report the shop
	sigWarning // warns of or speaks about spam
	sigThanks
	sigDeliver // where to bring it, what to fetch it with
	sigAdded   // "I have added you, please accept"
	sigPayment // paying by WeChat
	sigWanted  // a member looks for something
	sigShort
)

// Sets that checks ask for together.
const (
	anyTopic   = sigJob | sigLaunder | sigGamble | sigBonus | sigPorn | sigLoan | sigDocs | sigFake | sigBoost | sigStock | sigScam
	anyLure    = sigPay | sigEarn | sigWork | sigPartner
	anyVeiled  = sigWechatVeiled | sigQQVeiled | sigAddVeiled | sigPrivateVeiled | sigGroupVeiled
	anyMedium  = sigWechat | sigWechatVeiled | sigQQ | sigQQVeiled | sigMessenger
	anyAdd     = sigAdd | sigAddVeiled
	anyPrivate = sigPrivate | sigPrivateVeiled
	anyContact = sigToken | sigPhone | sigAdd | anyVeiled | sigPrivate | sigHandle | sigOddLink | sigMessenger
	anyGroup   = sigGroup | sigGroupVeiled
	// excuses are lent to the clauses next to where they stand, textWide ones to all: a
	// complaint may be long, and nobody may be silenced for one.
	excuses  = sigQuestion | sigShopping | sigWarning | sigDeliver | sigAdded | sigPayment | sigWanted
	textWide = sigComplaint | sigProtest
)

// vocabSignals names the groups of the vocabulary. A group may stand for several signals.
func vocabSignals() map[string]signal {
	return map[string]signal{
		"job": sigJob, "launder": sigLaunder, "gamble": sigGamble, "bonus": sigBonus, "porn": sigPorn,
		"loan": sigLoan, "docs": sigDocs, "fake": sigFake, "boost": sigBoost, "stock": sigStock, "scam": sigScam,
		"work": sigWork, "pay": sigPay, "earn": sigEarn, "flesh": sigFlesh, "credit": sigCredit,
		"goods": sigGoods, "trade": sigTrade, "induce": sigInduce, "scarce": sigScarce, "tone": sigTone, "partner": sigPartner,
		"wechat": sigWechat, "wechat-veiled": sigWechatVeiled, "qq": sigQQ, "qq-veiled": sigQQVeiled, "messenger": sigMessenger,
		"add": sigAdd, "add-veiled": sigAddVeiled, "private": sigPrivate, "private-veiled": sigPrivateVeiled,
		"reach": sigReach, "takers": sigTakers, "referral": sigReferral, "qr": sigQR, "profile": sigProfile, "group": sigGroup, "group-veiled": sigGroupVeiled,
		"question": sigQuestion, "shopping": sigShopping, "complaint": sigComplaint, "protest": sigProtest, "warning": sigWarning, "thanks": sigThanks,
		"deliver": sigDeliver, "added": sigAdded, "payment": sigPayment, "wanted": sigWanted,
		"plain": 0,
	}
}
