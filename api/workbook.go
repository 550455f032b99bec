package api

import (
	"archive/zip"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"

	"xiaobu/store"
)

// column is a column of a sheet: its heading in both languages and its width in characters.
type column struct {
	zh, en string
	width  float64
}

// fen is an amount in a sheet, which shows it in yuan.
type fen int64

// formula is a cell that is computed, with what comes out.
type formula struct {
	text  string
	value any // a fen or an int64
	total bool
}

// The sheets. What payroll knows and Xiaobu does not (which kind of income a reward is, and
// what tax it bears) is left empty; what is paid after tax follows from it.
var (
	summaryColumns = []column{
		{"月份", "Month", 9}, {"发放单号", "Payout", 9}, {"状态", "Status", 9}, {"员工账号", "Staff ID", 16}, {"姓名", "Name", 12},
		{"门店编号", "Store ID", 10}, {"门店", "Store", 16}, {"区域", "Region", 10}, {"计奖人数", "Joins", 9},
		{"奖励(元)", "Reward (yuan)", 12}, {"扣回(元)", "Recovered (yuan)", 12}, {"税前应发(元)", "Before tax (yuan)", 13},
		{"所得项目", "Tax category", 12}, {"应税收入(元)", "Taxable (yuan)", 13}, {"个人所得税(元)", "Income tax (yuan)", 14}, {"税后实发(元)", "After tax (yuan)", 13},
	}
	detailColumns = []column{
		{"员工账号", "Staff ID", 16}, {"姓名", "Name", 12}, {"类别", "Kind", 8}, {"入群时间", "Joined", 20}, {"群ID", "Group ID", 20}, {"群名", "Group", 18},
		{"顾客ID", "Member ID", 20}, {"第几人", "Ordinal", 8}, {"金额(元)", "Amount (yuan)", 11}, {"规则版本", "Rule version", 9}, {"适用条款", "Terms", 14},
		{"阶梯", "Tier", 14}, {"奖励记录号", "Entry", 13}, {"原发放单号", "Paid in", 11},
	}
	ruleColumns = []column{
		{"规则版本", "Rule version", 9}, {"生效时间", "In force from", 20}, {"适用条款", "Terms", 14}, {"阶梯(元)", "Tiers (yuan)", 44},
		{"观察期", "Hold", 10}, {"追回期", "Clawback", 10}, {"同一人计奖", "Once per", 11}, {"说明", "Note", 30}, {"制定人", "Put by", 12},
	}
	stepColumns = []column{{"步骤", "Step", 9}, {"时间", "Time", 20}, {"经办人", "By", 16}, {"说明", "Note", 40}}
)

// says are the words of a workbook that are no headings.
func says(lang, zh, en string) string {
	if lang == "en" {
		return en
	}
	return zh
}

func statusWord(lang, status string) string {
	zh := map[string]string{store.PayoutCollected: "待审批", store.PayoutApproved: "待发放", store.PayoutPaid: "已发放", store.PayoutReversed: "已冲回", store.PayoutDiscarded: "已作废"}
	return says(lang, zh[status], status)
}

// workbook writes a payout for people: what everybody gets, each entry behind it, the rules
// that were applied, and who had to do with it.
func workbook(p statement, zone *time.Location, lang string) ([]byte, error) {
	b := &book{file: excelize.NewFile(), zone: zone, lang: lang}
	defer b.file.Close()
	b.file.SetZipWriter(func(w io.Writer) excelize.ZipWriter {
		return &sortedZip{Writer: zip.NewWriter(w), parts: map[string]*bytes.Buffer{}}
	})
	if err := b.styles(); err != nil {
		return nil, err
	}
	for _, write := range []func(statement) error{b.summary, b.details, b.usedRules, b.steps} {
		if err := write(p); err != nil {
			return nil, err
		}
	}
	if err := b.file.SetDocProps(&excelize.DocProperties{Creator: "xiaobu", LastModifiedBy: "xiaobu", Title: fmt.Sprintf("%s-%d", p.Period, p.ID)}); err != nil {
		return nil, err
	}
	out, err := b.file.WriteToBuffer()
	if err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// book is a workbook that is being written.
type book struct {
	file                                     *excelize.File
	zone                                     *time.Location
	lang                                     string
	sheets                                   int
	bold, money, boldMoney, boldCount, stamp int // styles
}

func (b *book) styles() (err error) {
	bold, when := &excelize.Font{Bold: true}, "yyyy-mm-dd hh:mm:ss"
	for _, s := range []struct {
		id    *int
		style excelize.Style
	}{
		{&b.bold, excelize.Style{Font: bold}}, {&b.money, excelize.Style{NumFmt: 2}}, {&b.boldMoney, excelize.Style{NumFmt: 2, Font: bold}},
		{&b.boldCount, excelize.Style{NumFmt: 1, Font: bold}}, {&b.stamp, excelize.Style{CustomNumFmt: &when, Alignment: &excelize.Alignment{Horizontal: "left"}}},
	} {
		if *s.id, err = b.file.NewStyle(&s.style); err != nil {
			return err
		}
	}
	return nil
}

// sheet adds a sheet with its headings; rows follow by way of the writer, from row 2 on.
func (b *book) sheet(zh, en string, columns []column) (*excelize.StreamWriter, error) {
	name := says(b.lang, zh, en)
	b.sheets++
	var err error
	if b.sheets == 1 {
		err = b.file.SetSheetName("Sheet1", name)
	} else {
		_, err = b.file.NewSheet(name)
	}
	if err != nil {
		return nil, err
	}
	if err := b.printed(name); err != nil {
		return nil, err
	}
	w, err := b.file.NewStreamWriter(name)
	if err != nil {
		return nil, err
	}
	head := make([]any, len(columns))
	for i, c := range columns {
		head[i] = excelize.Cell{StyleID: b.bold, Value: says(b.lang, c.zh, c.en)}
		if err := w.SetColWidth(i+1, i+1, c.width); err != nil {
			return nil, err
		}
	}
	if err := w.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return nil, err
	}
	return w, w.SetRow("A1", head)
}

// printed makes a sheet fit to be printed and signed: A4 across, one page wide, the headings
// on each.
func (b *book) printed(sheet string) error {
	a4, across, wide, high, fit := 9, "landscape", 1, 0, true
	return errors.Join(
		b.file.SetSheetProps(sheet, &excelize.SheetPropsOptions{FitToPage: &fit}),
		b.file.SetPageLayout(sheet, &excelize.PageLayoutOptions{Size: &a4, Orientation: &across, FitToWidth: &wide, FitToHeight: &high}),
		b.file.SetHeaderFooter(sheet, &excelize.HeaderFooterOptions{OddFooter: "&C&P / &N"}),
		b.file.SetDefinedName(&excelize.DefinedName{Name: "_xlnm.Print_Titles", RefersTo: "'" + sheet + "'!$1:$1", Scope: sheet}))
}

// row writes one row. Texts are texts, whatever they begin with.
func (b *book) row(w *excelize.StreamWriter, n int, values ...any) error {
	for i, v := range values {
		switch v := v.(type) {
		case fen:
			values[i] = excelize.Cell{StyleID: b.money, Value: v.yuan()}
		case time.Time:
			values[i] = excelize.Cell{StyleID: b.stamp, Value: v.In(b.zone)}
		case formula:
			values[i] = b.computed(v)
		case string:
			if v == "" {
				values[i] = nil
			}
		}
	}
	return w.SetRow(fmt.Sprintf("A%d", n), values)
}

func (b *book) computed(f formula) excelize.Cell {
	amount, money := f.value.(fen)
	switch {
	case money && f.total:
		return excelize.Cell{Formula: f.text, Value: amount.yuan(), StyleID: b.boldMoney}
	case money:
		return excelize.Cell{Formula: f.text, Value: amount.yuan(), StyleID: b.money}
	}
	return excelize.Cell{Formula: f.text, Value: f.value, StyleID: b.boldCount}
}

func (f fen) yuan() float64 { return float64(f) / 100 }

// sum is the total of a column down to a row, the first of which is row 2.
func sum(column string, last int, value any) any {
	if last < 2 {
		return value
	}
	return formula{fmt.Sprintf("SUM(%s2:%s%d)", column, column, last), value, true}
}

func (b *book) summary(p statement) error {
	w, err := b.sheet("发放汇总", "Payout", summaryColumns)
	if err != nil {
		return err
	}
	status, last := statusWord(b.lang, p.Status), len(p.lines)+1
	for i, l := range p.lines {
		err := b.row(w, i+2, p.Period, idString(p.ID), status, l.Staff, l.StaffName, l.ShopID, l.ShopName, l.Region, l.Joins,
			fen(l.GrossFen), fen(l.RecoveredFen), fen(l.AmountFen), "", fen(l.AmountFen), "",
			formula{fmt.Sprintf("L%d-O%d", i+2, i+2), fen(l.AmountFen), false})
		if err != nil {
			return err
		}
	}
	gross, recovered, total := fen(p.GrossFen), fen(p.RecoveredFen), fen(p.TotalFen)
	err = b.row(w, last+1, b.total(), idString(p.ID), status, "", "", "", "", "", sum("I", last, p.Joins),
		sum("J", last, gross), sum("K", last, recovered), sum("L", last, total), "", sum("N", last, total), sum("O", last, fen(0)), sum("P", last, total))
	if err != nil {
		return err
	}
	return w.Flush()
}

func (b *book) details(p statement) error {
	w, err := b.sheet("奖励明细", "Entries", detailColumns)
	if err != nil {
		return err
	}
	names := map[string]string{}
	for _, l := range p.lines {
		names[l.Staff] = l.StaffName
	}
	last := len(p.items) + 1
	for i, it := range p.items {
		kind, amount, paidIn := says(b.lang, "奖励", "reward"), fen(it.AmountFen), ""
		if it.Kind == store.ItemRecovery {
			kind, amount = says(b.lang, "扣回", "recovered"), -amount
		}
		if it.PaidIn != nil {
			paidIn = idString(*it.PaidIn)
		}
		err := b.row(w, i+2, it.Staff, names[it.Staff], kind, it.EarnedAt, it.ChatID, it.ChatName, it.Member, int64(it.Ordinal), amount,
			it.RuleVersion, b.terms(it.Terms), b.tier(p.rules[it.RuleVersion].TermsNamed(it.Terms), it.Ordinal), idString(it.EntryID), paidIn)
		if err != nil {
			return err
		}
	}
	err = b.row(w, last+1, b.total(), "", "", "", "", "", "", "", sum("I", last, fen(p.TotalFen)))
	if err != nil {
		return err
	}
	return w.Flush()
}

// total is the label of a row of sums.
func (b *book) total() excelize.Cell {
	return excelize.Cell{StyleID: b.bold, Value: says(b.lang, "合计", "Total")}
}

func (b *book) terms(name string) string {
	if name == "" {
		return says(b.lang, "通用", "general")
	}
	return name
}

// tier names the step of the terms that an ordinal falls into.
func (b *book) tier(t store.Terms, ordinal int) string {
	from := 1
	for _, step := range t.Tiers {
		if step.UpTo == 0 {
			return fmt.Sprintf(says(b.lang, "第%d人起", "from %d"), from)
		}
		if ordinal <= step.UpTo {
			return fmt.Sprintf(says(b.lang, "第%d至%d人", "%d to %d"), from, step.UpTo)
		}
		from = step.UpTo + 1
	}
	return ""
}

func (b *book) usedRules(p statement) error {
	w, err := b.sheet("奖励规则", "Rules", ruleColumns)
	if err != nil {
		return err
	}
	type used struct {
		version int64
		terms   string
	}
	seen := map[used]bool{}
	for _, it := range p.items {
		seen[used{it.RuleVersion, it.Terms}] = true
	}
	keys := slices.SortedFunc(maps.Keys(seen), func(x, y used) int { return cmp.Or(cmp.Compare(x.version, y.version), cmp.Compare(x.terms, y.terms)) })
	scopes := map[string]string{"corp": "全公司一次", "store": "每店一次", "group": "每群一次"}
	for i, u := range keys {
		r := p.rules[u.version]
		t := r.TermsNamed(u.terms)
		var tiers []string
		for _, step := range t.Tiers {
			tiers = append(tiers, b.tier(t, step.UpTo)+" "+yuan(step.Fen))
			if step.UpTo == 0 {
				tiers[len(tiers)-1] = b.tier(t, maxOrdinal) + " " + yuan(step.Fen)
			}
		}
		err := b.row(w, i+2, r.Version, r.EffectiveFrom, b.terms(u.terms), strings.Join(tiers, says(b.lang, ";", "; ")), short(t.Hold), short(t.Clawback),
			says(b.lang, scopes[r.OncePer], r.OncePer), r.Note, r.By)
		if err != nil {
			return err
		}
	}
	return w.Flush()
}

// maxOrdinal is beyond every step of a rule but the last.
const maxOrdinal = 1<<31 - 1

func (b *book) steps(p statement) error {
	w, err := b.sheet("经办记录", "Steps", stepColumns)
	if err != nil {
		return err
	}
	words := map[string]string{store.PayoutCollected: "汇总", store.PayoutApproved: "审批", store.PayoutPaid: "发放", store.PayoutReversed: "冲回", store.PayoutDiscarded: "作废"}
	for i, s := range p.steps {
		if err := b.row(w, i+2, says(b.lang, words[s.Status], s.Status), s.At, s.Who, s.Note); err != nil {
			return err
		}
	}
	return w.Flush()
}

// sortedZip writes the parts of a workbook by name and without times: excelize takes them
// from a map, so each time in another order.
type sortedZip struct {
	*zip.Writer
	parts map[string]*bytes.Buffer
}

// Create begins a part.
func (z *sortedZip) Create(name string) (io.Writer, error) {
	z.parts[name] = &bytes.Buffer{}
	return z.parts[name], nil
}

// Close writes everything out.
func (z *sortedZip) Close() error {
	for _, name := range slices.Sorted(maps.Keys(z.parts)) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate})
		if err != nil {
			return err
		}
		if _, err := w.Write(z.parts[name].Bytes()); err != nil {
			return err
		}
	}
	return z.Writer.Close()
}
