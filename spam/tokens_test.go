package spam

import "testing"

// tokensOf reads what findTokens and findShapes find in text.
func tokensOf(t *testing.T, d *Detector, text string) signal {
	t.Helper()
	rd := &reading{}
	d.read(rd, text)
	sigs := signal(0)
	for _, c := range rd.clauses {
		sigs |= c.sigs
	}
	return sigs
}

func TestNumbersAreReadInEveryWriting(t *testing.T) {
	d := New()
	for _, c := range []struct {
		text      string
		want, not signal
	}{
		{"13800001111", sigPhone | sigNumber, sigToken | sigVeiledDigits},
		{"138 0000 1111", sigPhone, sigVeiledDigits},
		{"138-0000-1111", sigPhone, sigVeiledDigits},
		{"8613800001111", sigPhone, 0},
		{"1380000xxxx", sigPhone, 0},
		{"400-800-1234", sigPhone, 0},
		{"一三八零零零零一一一一", sigPhone | sigVeiledDigits, 0},
		{"①③⑧0000①①①①", sigPhone | sigVeiledDigits, 0},
		{"1 3 8 0 0 0 0 1 1 1 1", sigPhone | sigVeiledDigits, 0},
		{"l38ooooll1l", sigNumber, sigToken},
		{"张三13800001111三份", sigPhone, sigVeiledDigits},
		{"电话 65432100", sigPhone, sigToken},
		{"微信 65432100", sigToken, sigPhone},
		{"微信号是：65432100", sigToken, 0},
		{"q65432100", sigToken, 0},
		{"一二三四五六七八", 0, sigNumber},
		{"一共二十三个", 0, sigNumber},
		{"12 34 56 78", 0, sigNumber},
		{"9:30 到 10:20", 0, sigNumber},
		{"订单 123456789012345678", 0, sigNumber | sigPhone},
	} {
		got := tokensOf(t, d, c.text)
		if got&c.want != c.want || got&c.not != 0 {
			t.Errorf("%q gives %b, want %b and not %b", c.text, got, c.want, c.not)
		}
	}
}

func TestAnAccountIsANameAfterTheNameOfAMedium(t *testing.T) {
	d := New()
	for text, want := range map[string]bool{
		"微信 abc12345": true, "V：abc12345": true, "加v abc_123": true, "vx：qwertyui": true, "薇abc123": true,
		"wx12345678": true, "联系abc12345": true, "微信支付": false, "薇13800001111": false, "abc12345": false,
		"手机 iphone": false, "v8账号": false, "加我 ok": false, "微信群里说 iphone15": false,
	} {
		if got := tokensOf(t, d, text)&sigToken != 0; got != want {
			t.Errorf("%q gives an account: %v, want %v", text, got, want)
		}
	}
}

func TestLinksAreJudgedByTheirHost(t *testing.T) {
	d := New()
	for _, c := range []struct {
		text      string
		want, not signal
	}{
		{"https://item.jd.com/1.html", 0, sigLink | sigOddLink},
		{"看 m.tb.cn/h.x", sigLink, sigOddLink},
		{"docs.qq.com/form", 0, sigLink},
		{"www.example.com", sigLink, sigOddLink},
		{"ab12x.top", sigOddLink, 0},
		{"ab12x．ｔｏｐ", sigOddLink, 0},
		{"ab12x点top", sigOddLink, 0},
		{"ab12x。top", sigOddLink, 0},
		{"ab12x . top", sigOddLink, 0},
		{"t.me/joinchat", sigOddLink, 0},
		{"me@mail.top", 0, sigLink | sigOddLink},
		{"very good. so nice", 0, sigOddLink},
		{"版本 1.2.3", 0, sigLink},
		{"https://x.com?a=1", 0, sigQuestion},
	} {
		got := tokensOf(t, d, c.text)
		if got&c.want != c.want || got&c.not != 0 {
			t.Errorf("%q gives %b, want %b and not %b", c.text, got, c.want, c.not)
		}
	}
}

func TestShapesAreSeen(t *testing.T) {
	d := New()
	for _, c := range []struct {
		text      string
		want, not signal
	}{
		{"出两张票", sigOffer, 0},
		{"出门取快递", 0, sigOffer},
		{"收到了谢谢", 0, sigOffer},
		{"1:500", sigRatio, 0},
		{"一比二十", sigRatio, 0},
		{"开门 9:30", 0, sigRatio},
		{"一单50", sigRate, 0},
		{"80元一单", sigRate | sigPrice, 0},
		{"一天300", sigRate, 0},
		{"20块钱", sigPrice, 0},
		{"第3rd版", 0, sigPrice},
		{"在吗？", sigQuestion, 0},
		{"1. 张\n2. 李\n3. 王", sigOrderList, 0},
		{"接龙：1. 张", sigOrderList, 0},
		{"2024年\n有3个\n共5元", 0, sigOrderList},
		{"ⓐⓑⓒⓓ", sigStyled, 0},
		{"加我，加我，加我", sigRepeat, 0},
		{"好", sigShort, 0},
	} {
		got := tokensOf(t, d, c.text)
		if got&c.want != c.want || got&c.not != 0 {
			t.Errorf("%q gives %b, want %b and not %b", c.text, got, c.want, c.not)
		}
	}
}
