package sandbox

import (
	"slices"
	"strings"
)

const (
	maxCardButtons   = 6
	maxCardRows      = 6
	maxCardVertical  = 4
	maxCardJumps     = 3
	maxCardOptions   = 10
	maxCardChecks    = 20
	maxCardSelects   = 3
	maxMenu          = 3
	taskIDBytes      = 128
	buttonKeyBytes   = 1024
	questionKeyBytes = 1024
	optionIDBytes    = 128

	codeBadTaskID    = 42014
	codeBadKey       = 42018
	codeNoKey        = 42019
	codeNoButtonText = 42020
	codeNoCallback   = 43012
)

// cardUse is where a card is shown, which decides what it needs.
type cardUse int

const (
	cardSent    cardUse = iota // with message/send
	cardUpdated                // in place of another card: the task_id may be left out
	cardOfRobot                // by a group robot: notices only, nothing calls back
	cardOfSmart                // by a smart robot, which has a callback of its own
)

// readCard reads and checks a template card.
func (c *call) readCard(in args, use cardUse) *Card {
	card := &Card{CardType: in.text("card_type"), TaskID: in.text("task_id"), At: c.now}
	switch card.CardType {
	case "text_notice", "news_notice":
		card.readNotice(in)
	case "button_interaction", "vote_interaction", "multiple_interaction":
		if use == cardOfRobot {
			in.bad(codeBadParam, "invalid Request Parameter: %scard_type %q is not for robots", in.where, card.CardType)
		}
		if c.s.callbackURL == "" && use != cardOfSmart {
			in.bad(codeNoCallback, "no callback url is set for this app")
		}
		if use == cardSent {
			in.need("task_id", codeBadTaskID)
		}
		card.readInteraction(in)
	default:
		in.bad(codeBadParam, "invalid Request Parameter: %scard_type must be one of the five kinds", in.where)
	}
	if len(card.TaskID) > taskIDBytes || !madeOf(card.TaskID, alphabetID+"_-@") {
		in.bad(codeBadTaskID, "invalid task_id: want at most %d of letters, digits, _ - @", taskIDBytes)
	}
	if card.TaskID != "" && use == cardSent && c.s.apps.byTask[card.TaskID] != nil {
		in.bad(codeBadTaskID, "task_id was used before")
	}
	card.readText(in)
	c.readRows(card, in)
	readCardAction(in, card.CardType)
	card.readMenu(in, use)
	return card
}

// madeOf reports whether v has no character outside of an alphabet.
func madeOf(v, alphabet string) bool {
	return !strings.ContainsFunc(v, func(r rune) bool { return !strings.ContainsRune(alphabet, r) })
}

// readNotice reads what only the two kinds have that ask nothing.
func (card *Card) readNotice(in args) {
	emphasis := in.part("emphasis_content")
	card.lines(emphasis.text("title"), emphasis.text("desc"))
	jumps := in.parts("jump_list")
	if len(jumps) > maxCardJumps {
		in.bad(codeBadParam, "invalid Request Parameter: %sjump_list has more than %d entries", in.where, maxCardJumps)
	}
	for _, jump := range jumps {
		card.lines(jump.need("title", codeNoTitle))
		readJump(jump, "type", 0)
	}
	if card.CardType != "news_notice" {
		return
	}
	if !in.has("card_image") && !in.has("image_text_area") {
		in.bad(codeEmptyParam, "missing %scard_image or %simage_text_area", in.where, in.where)
	}
	if in.has("card_image") {
		in.part("card_image").link("url", urlBytes, codeNoURL)
		in.part("card_image").ratio("aspect_ratio")
	}
	if in.has("image_text_area") {
		area := in.part("image_text_area")
		area.link("image_url", urlBytes, codeNoURL)
		readJump(area, "type", 0)
		card.lines(area.text("title"), area.text("desc"))
	}
	vertical := in.parts("vertical_content_list")
	if len(vertical) > maxCardVertical {
		in.bad(codeBadParam, "invalid Request Parameter: %svertical_content_list has more than %d entries", in.where, maxCardVertical)
	}
	for _, v := range vertical {
		card.lines(v.need("title", codeNoTitle), v.text("desc"))
	}
}

// readJump checks what a press opens: 0 nothing, 1 an address, 2 a mini program.
func readJump(in args, name string, absent int64) {
	switch in.between(name, absent, 0, 2) {
	case 1:
		in.link("url", urlBytes, codeNoURL)
	case 2:
		in.need("appid", codeEmptyParam)
		in.text("pagepath")
	}
}

// readInteraction reads the questions and the buttons of a card that calls back.
func (card *Card) readInteraction(in args) {
	switch card.CardType {
	case "button_interaction":
		if in.has("button_selection") {
			card.readQuestion(in.part("button_selection"), maxCardOptions, "selected_id")
		}
		card.readButtons(in)
	case "vote_interaction":
		box := in.part("checkbox")
		card.readQuestion(box, maxCardChecks, "")
		card.Questions[0].Many = box.between("mode", 0, 0, 1) == 1
		card.readSubmit(in)
	case "multiple_interaction":
		lists := in.parts("select_list")
		if len(lists) < 1 || len(lists) > maxCardSelects {
			in.bad(codeBadParam, "invalid Request Parameter: %sselect_list must have 1 to %d entries", in.where, maxCardSelects)
		}
		for _, list := range lists {
			card.readQuestion(list, maxCardOptions, "selected_id")
		}
		card.readSubmit(in)
	}
}

// readQuestion reads one question; chosen names the field with the option that is chosen
// before anybody chooses, without one each option says so itself.
func (card *Card) readQuestion(in args, most int, chosen string) {
	q := Question{Key: in.need("question_key", codeNoKey), Title: in.text("title")}
	in.maxBytes("question_key", q.Key, questionKeyBytes)
	if slices.ContainsFunc(card.Questions, func(other Question) bool { return other.Key == q.Key }) {
		in.bad(codeBadKey, "invalid %squestion_key: used by another question", in.where)
	}
	options := in.parts("option_list")
	if len(options) < 1 || len(options) > most {
		in.bad(codeBadParam, "invalid Request Parameter: %soption_list must have 1 to %d entries", in.where, most)
	}
	for _, o := range options {
		id := o.maxBytes("id", o.need("id", codeNoKey), optionIDBytes)
		if slices.ContainsFunc(q.Options, func(other Button) bool { return other.Key == id }) {
			o.bad(codeBadKey, "invalid %sid: used by another option", o.where)
		}
		q.Options = append(q.Options, Button{Text: o.need("text", codeNoButtonText), Key: id})
		if chosen == "" && o.flag("is_checked", false) {
			q.Chosen = append(q.Chosen, id)
		}
	}
	if chosen != "" {
		if id := in.text(chosen); id != "" && !q.offers(id) {
			in.bad(codeBadParam, "invalid Request Parameter: %s%s is no option", in.where, chosen)
		} else if id != "" {
			q.Chosen = []string{id}
		}
	}
	card.Questions = append(card.Questions, q)
	card.lines(q.Title)
}

// readButtons reads the buttons; those that lead to an address do not call back.
func (card *Card) readButtons(in args) {
	buttons := in.parts("button_list")
	if len(buttons) < 1 || len(buttons) > maxCardButtons {
		in.bad(codeBadParam, "invalid Request Parameter: %sbutton_list must have 1 to %d entries", in.where, maxCardButtons)
	}
	for _, b := range buttons {
		b.between("style", 1, 0, 4)
		if b.between("type", 0, 0, 1) == 1 {
			b.need("text", codeNoButtonText)
			b.link("url", urlBytes, codeNoURL)
			continue
		}
		card.Buttons = append(card.Buttons, readButton(b, card.Buttons))
	}
}

func (card *Card) readSubmit(in args) {
	if !in.has("submit_button") {
		in.bad(codeEmptyParam, "missing %ssubmit_button", in.where)
	}
	card.Buttons = append(card.Buttons, readButton(in.part("submit_button"), card.Buttons))
}

// readButton reads something to press; keys are unique among their like.
func readButton(in args, others []Button) Button {
	b := Button{Text: in.need("text", codeNoButtonText), Key: in.need("key", codeNoKey)}
	same := func(other Button) bool { return other.Key == b.Key }
	if len(b.Key) > buttonKeyBytes || slices.ContainsFunc(others, same) {
		in.bad(codeBadKey, "invalid %skey: too long or used by another button", in.where)
	}
	return b
}

// lines adds what there is to read.
func (card *Card) lines(all ...string) {
	for _, line := range all {
		if line != "" && card.Text != "" {
			card.Text += "\n"
		}
		card.Text += line
	}
}

// readText reads the title and what stands around it.
func (card *Card) readText(in args) {
	title := in.part("main_title")
	card.Title = title.text("title")
	quote := in.part("quote_area")
	readJump(quote, "type", 0)
	source := in.part("source")
	source.between("desc_color", 0, 0, 3)
	source.link("icon_url", urlBytes, 0)
	subtitle := in.text("sub_title_text")
	more := card.Text
	card.Text = ""
	card.lines(source.text("desc"), card.Title, title.text("desc"), subtitle, quote.text("title"), quote.text("quote_text"), more)
	if card.Title == "" && (subtitle == "" || card.CardType != "text_notice") {
		in.bad(codeNoTitle, "missing %smain_title.title", in.where)
	}
}

// readRows reads the rows of names and values.
func (c *call) readRows(card *Card, in args) {
	rows := in.parts("horizontal_content_list")
	if len(rows) > maxCardRows {
		in.bad(codeBadParam, "invalid Request Parameter: %shorizontal_content_list has more than %d entries", in.where, maxCardRows)
	}
	for _, row := range rows {
		switch row.between("type", 0, 0, 3) {
		case 1:
			row.link("url", urlBytes, codeNoURL)
		case 2:
			c.mediaID(row, "media_id", "file")
		case 3:
			if id := row.need("userid", codeNoUserID); id != "" && c.s.office.find(id) == nil {
				row.bad(codeBadUser, "invalid userid: %suserid", row.where)
			}
		}
		f := Fact{Name: row.need("keyname", codeEmptyParam), Value: row.text("value")}
		card.Facts = append(card.Facts, f)
		card.lines(f.Name + ": " + f.Value)
	}
}

// readCardAction checks what a press on the card itself opens, which notices must say.
func readCardAction(in args, kind string) {
	notice := strings.HasSuffix(kind, "_notice")
	switch {
	case in.has("card_action"):
		action := in.part("card_action")
		if notice {
			action.between("type", 0, 1, 2)
		}
		readJump(action, "type", 0)
	case notice:
		in.bad(codeEmptyParam, "missing %scard_action", in.where)
	}
}

// readMenu reads the menu in the corner of a card.
func (card *Card) readMenu(in args, use cardUse) {
	if !in.has("action_menu") {
		return
	}
	menu := in.part("action_menu")
	menu.text("desc")
	items := menu.parts("action_list")
	if len(items) < 1 || len(items) > maxMenu {
		in.bad(codeBadParam, "invalid Request Parameter: %saction_menu.action_list must have 1 to %d entries", in.where, maxMenu)
	}
	for _, item := range items {
		card.Menu = append(card.Menu, readButton(item, card.Menu))
	}
	if card.TaskID == "" && use == cardSent {
		in.bad(codeBadTaskID, "missing %stask_id", in.where)
	}
}
