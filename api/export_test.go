package api

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"xiaobu/store"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var shanghai = time.FixedZone("Asia/Shanghai", 8*3600)

// month is a paid payout of so many cashiers with so many joins each; the first of them pays
// something back.
func month(cashiers, each int) statement {
	at := time.Date(2026, 11, 2, 1, 0, 0, 0, time.UTC)
	p := statement{Payout: store.Payout{ID: 7, Period: "2026-11", Status: store.PayoutPaid, CreatedAt: at}, rules: map[int64]store.Rule{
		1: {Version: 1, EffectiveFrom: at, Tiers: []store.Tier{{UpTo: 100, Fen: 50}, {Fen: 100}}, HoldMS: 3600_000, OncePer: "corp"},
		2: {Version: 2, EffectiveFrom: at, Tiers: []store.Tier{{Fen: 30}}, OncePer: "store", Note: "=1+1", By: "anna",
			Overrides: []store.Override{{Name: "新店", Stores: []string{"s1"}, Tiers: []store.Tier{{UpTo: 2, Fen: 10}, {UpTo: 5, Fen: 20}, {Fen: 40}}}}},
	}}
	for _, status := range []string{store.PayoutCollected, store.PayoutApproved, store.PayoutPaid} {
		p.steps = append(p.steps, store.PayoutStep{Status: status, At: at, Who: "anna"})
	}
	entry := int64(0)
	for c := range cashiers {
		l := store.PayoutLine{Staff: fmt.Sprintf("cashier%05d", c), StaffName: fmt.Sprintf("收银员%d", c), ShopID: "0012", ShopName: "人民路店", Region: "华东", Joins: int64(each)}
		for i := range each {
			entry++
			it := store.PayoutItem{EntryID: entry, Kind: store.ItemReward, Staff: l.Staff, AmountFen: 50, EarnedAt: at.Add(time.Duration(i) * time.Hour), ChatID: "wrAAAA",
				ChatName: "一号群", Member: fmt.Sprintf("wm%08d", entry), Ordinal: 99 + i%3, RuleVersion: 1}
			if it.Ordinal > 100 {
				it.AmountFen = 100
			}
			l.GrossFen += it.AmountFen
			p.items = append(p.items, it)
		}
		if c == 0 {
			paidIn := int64(3)
			l.RecoveredFen = 20
			p.items = append(p.items, store.PayoutItem{EntryID: 1 << 40, Kind: store.ItemRecovery, Staff: l.Staff, AmountFen: 20, EarnedAt: at, Ordinal: 4, RuleVersion: 2, Terms: "新店", PaidIn: &paidIn})
		}
		l.AmountFen = l.GrossFen - l.RecoveredFen
		p.lines = append(p.lines, l)
		p.Joins, p.GrossFen, p.RecoveredFen = p.Joins+l.Joins, p.GrossFen+l.GrossFen, p.RecoveredFen+l.RecoveredFen
	}
	p.TotalFen = p.GrossFen - p.RecoveredFen
	return p
}

func TestAWorkbookHoldsWhatPayrollNeeds(t *testing.T) {
	p := month(2, 3)
	p.lines[1].StaffName, p.lines[1].Staff = "=HYPERLINK(\"http://x\")", "00123"
	for i := range p.items {
		if p.items[i].Staff == "cashier00001" {
			p.items[i].Staff = "00123"
		}
	}
	for lang, want := range map[string]map[string][]string{
		"zh": {
			"发放汇总": {
				"月份 发放单号 状态 员工账号 姓名 门店编号 门店 区域 计奖人数 奖励(元) 扣回(元) 税前应发(元) 所得项目 应税收入(元) 个人所得税(元) 税后实发(元)",
				"2026-11 7 已发放 cashier00000 收银员0 0012 人民路店 华东 3 2.00 0.20 1.80  1.80  1.80",
				"2026-11 7 已发放 00123 =HYPERLINK(\"http://x\") 0012 人民路店 华东 3 2.00 0.00 2.00  2.00  2.00",
				"合计 7 已发放      6 4.00 0.20 3.80  3.80 0.00 3.80",
			},
			"奖励明细": {
				"员工账号 姓名 类别 入群时间 群ID 群名 顾客ID 第几人 金额(元) 规则版本 适用条款 阶梯 奖励记录号 原发放单号",
				"cashier00000 收银员0 奖励 2026-11-02 09:00:00 wrAAAA 一号群 wm00000001 99 0.50 1 通用 第1至100人 1",
				"cashier00000 收银员0 奖励 2026-11-02 10:00:00 wrAAAA 一号群 wm00000002 100 0.50 1 通用 第1至100人 2",
				"cashier00000 收银员0 奖励 2026-11-02 11:00:00 wrAAAA 一号群 wm00000003 101 1.00 1 通用 第101人起 3",
				"cashier00000 收银员0 扣回 2026-11-02 09:00:00    4 -0.20 2 新店 第3至5人 1099511627776 3",
			},
			"奖励规则": {
				"规则版本 生效时间 适用条款 阶梯(元) 观察期 追回期 同一人计奖 说明 制定人",
				"1 2026-11-02 09:00:00 通用 第1至100人 0.50;第101人起 1.00 1h 0s 全公司一次",
				"2 2026-11-02 09:00:00 新店 第1至2人 0.10;第3至5人 0.20;第6人起 0.40 0s 0s 每店一次 =1+1 anna",
			},
			"经办记录": {"步骤 时间 经办人 说明", "汇总 2026-11-02 09:00:00 anna"},
		},
		"en": {"Payout": {"Month Payout Status"}, "Entries": {"Staff ID Name Kind"}, "Rules": {"Rule version", "1 2026-11-02 09:00:00 general 1 to 100 0.50; from 101 1.00 1h 0s corp"}, "Steps": {"Step Time By Note"}},
	} {
		data, err := workbook(p, shanghai, lang)
		must(t, err)
		f, err := excelize.OpenReader(bytes.NewReader(data))
		must(t, err)
		for sheet, lines := range want {
			rows, err := f.GetRows(sheet)
			must(t, err)
			for i, w := range lines {
				if got := strings.Join(rows[i], " "); !strings.HasPrefix(got, w) {
					t.Errorf("%s, row %d:\n%q, want\n%q", sheet, i+1, got, w)
				}
			}
		}
		first := f.GetSheetName(0)
		for at, w := range map[string]string{"J4": "SUM(J2:J3)", "L4": "SUM(L2:L3)", "P2": "L2-O2", "E3": "", "J2": ""} {
			if got, err := f.GetCellFormula(first, at); err != nil || got != w {
				t.Errorf("%s computes %q %v, want %q", at, got, err, w)
			}
		}
		if kind, err := f.GetCellType(first, "D3"); err != nil || kind != excelize.CellTypeInlineString {
			t.Errorf("an id of digits is a %v %v", kind, err)
		}
	}
}

func TestAWorkbookOfNobody(t *testing.T) {
	data, err := workbook(statement{Payout: store.Payout{ID: 1, Period: "2026-11", Status: store.PayoutReversed}}, shanghai, "zh")
	must(t, err)
	f, err := excelize.OpenReader(bytes.NewReader(data))
	must(t, err)
	rows, err := f.GetRows("发放汇总")
	must(t, err)
	if got := strings.Join(rows[1], " "); got != "合计 1 已冲回      0 0.00 0.00 0.00  0.00 0.00 0.00" {
		t.Errorf("%q", got)
	}
}

// The same payout is the same file, in whatever order the parts are drawn.
func TestAnExportIsTheSameToTheByte(t *testing.T) {
	first, err := workbook(month(3, 4), shanghai, "zh")
	must(t, err)
	for range 20 {
		again, err := workbook(month(3, 4), shanghai, "zh")
		must(t, err)
		if !bytes.Equal(first, again) {
			t.Fatal("two exports of one payout differ")
		}
	}
}

func TestACSVIsForPrograms(t *testing.T) {
	p := month(2, 3)
	for i, evil := range []string{"=1+1", "@x"} {
		p.lines[i].StaffName = evil
	}
	p.lines[0].ShopName, p.lines[1].ShopName, p.lines[1].Region = "-2", "\ttab", `a "quoted", one`
	data, err := csvOf(p)
	must(t, err)
	text, marked := strings.CutPrefix(string(data), "\ufeff")
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	must(t, err)
	if !marked || len(rows) != 3 {
		t.Fatalf("%d rows, marked %v", len(rows), marked)
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	for name, want := range map[string][2]string{"staff": {"cashier00000", "cashier00001"}, "name": {"'=1+1", "'@x"}, "store_name": {"'-2", "'\ttab"}, "region": {"华东", `a "quoted", one`},
		"amount_fen": {"180", "200"}, "amount_yuan": {"1.80", "2.00"}, "gross_fen": {"200", "200"}, "recovered_fen": {"20", "0"}, "joins": {"3", "3"}, "taxable_fen": {"180", "200"}, "tax_yuan": {"", ""}, "status": {"paid", "paid"}} {
		for i, w := range want {
			if got := rows[i+1][column[name]]; got != w {
				t.Errorf("%s of row %d is %q, want %q", name, i+1, got, w)
			}
		}
	}
}

// officeEnv demands the test with LibreOffice; without it the test runs where there is one.
const officeEnv = "XIAOBU_TEST_OFFICE"

// LibreOffice computes the formulas itself and comes to what we wrote beside them, and to
// what was paid.
func TestLibreOfficeComesToTheSameSums(t *testing.T) {
	office, err := exec.LookPath("soffice")
	if err != nil {
		if os.Getenv(officeEnv) == "1" {
			t.Fatal("there is no soffice: install libreoffice-calc-nogui")
		}
		t.Skip("there is no LibreOffice here")
	}
	p := month(40, 25)
	data, err := workbook(p, shanghai, "en")
	must(t, err)
	f, err := excelize.OpenReader(bytes.NewReader(data))
	must(t, err)
	for sheet, rows := range recalculated(t, office, withoutValues(t, data)) {
		ours, err := f.GetRows(sheet)
		must(t, err)
		if len(rows) != len(ours) {
			t.Errorf("%s has %d rows, we wrote %d", sheet, len(rows), len(ours))
		}
		for i, row := range rows {
			for k, v := range row {
				if k < len(ours[i]) && v != ours[i][k] && sheet == "Payout" {
					t.Errorf("%s, row %d, column %d: %q, we wrote %q", sheet, i+1, k+1, v, ours[i][k])
				}
			}
		}
		total := map[string]int{"Payout": 11, "Entries": 8}
		if k, ok := total[sheet]; ok {
			last := rows[len(rows)-1]
			if yuan, err := strconv.ParseFloat(last[k], 64); err != nil || int64(math.Round(yuan*100)) != p.TotalFen {
				t.Errorf("%s: the total is %s %v, %d fen were paid", sheet, last[k], err, p.TotalFen)
			}
		}
	}
}

// withoutValues takes away what we computed, so that what comes back was computed there.
func withoutValues(t *testing.T, data []byte) []byte {
	t.Helper()
	return rewrite(t, data, regexp.MustCompile(`(</f>)<v>[^<]*</v>`), "$1")
}

// rewrite changes the sheets of a workbook.
func rewrite(t *testing.T, data []byte, what *regexp.Regexp, to string) []byte {
	t.Helper()
	in, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	must(t, err)
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, part := range in.File {
		r, err := part.Open()
		must(t, err)
		text, err := io.ReadAll(r)
		must(t, err)
		if strings.HasPrefix(part.Name, "xl/worksheets/") {
			text = what.ReplaceAll(text, []byte(to))
		}
		pw, err := w.Create(part.Name)
		must(t, err)
		_, err = pw.Write(text)
		must(t, err)
	}
	must(t, w.Close())
	return out.Bytes()
}

// recalculated opens a workbook in LibreOffice and reads what every sheet shows.
func recalculated(t *testing.T, office string, data []byte) map[string][][]string {
	t.Helper()
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "p.xlsx"), data, 0o600))
	const everySheet = `csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,true,false,false,-1`
	cmd := exec.CommandContext(t.Context(), office, "-env:UserInstallation=file://"+filepath.Join(dir, "profile"), "--headless", "--convert-to", everySheet, "--outdir", dir, filepath.Join(dir, "p.xlsx"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	sheets := map[string][][]string{}
	for _, name := range []string{"Payout", "Entries", "Rules", "Steps"} {
		f, err := os.Open(filepath.Join(dir, "p-"+name+".csv"))
		must(t, err)
		r := csv.NewReader(f)
		r.FieldsPerRecord = -1
		sheets[name], err = r.ReadAll()
		must(t, err)
		must(t, f.Close())
	}
	return sheets
}

// BenchmarkWorkbook is the file of a payout of 5,000 cashiers with 20 joins each.
func BenchmarkWorkbook(b *testing.B) {
	p := month(5000, 20)
	for b.Loop() {
		data, err := workbook(p, shanghai, "zh")
		must(b, err)
		b.ReportMetric(float64(len(data)), "bytes")
	}
}
