package codes

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/image/font/gofont/goregular"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var day = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

// chinese are the machine's fonts. Where there are none, what is tested here cannot be done
// and the test is skipped, unless XIAOBU_TEST_FONT=1 demands it.
func chinese(t testing.TB) *Fonts {
	t.Helper()
	f, err := OpenFonts("", FontDirs())
	if errors.Is(err, ErrNoFont) && os.Getenv("XIAOBU_TEST_FONT") != "1" {
		t.Skip(err)
	}
	must(t, err)
	t.Cleanup(func() { must(t, f.Close()) })
	return f
}

// latin is a TrueType font that is always there and has no Chinese characters.
func latin(t testing.TB) *Fonts {
	t.Helper()
	file := filepath.Join(t.TempDir(), "go.ttf")
	must(t, os.WriteFile(file, goregular.TTF, 0o600))
	f, err := OpenFonts(file, nil)
	must(t, err)
	t.Cleanup(func() { must(t, f.Close()) })
	return f
}

// posters are plain and hard ones.
func posters() []Poster {
	return []Poster{
		{Headline: "扫码进群 享福利", Store: "小步生活超市（人民路店）", Who: "收银员 王小丽", Place: "2号收银台",
			Code: "3f9a0c71b2d4", Content: "https://xiaobu.example.com/q/3f9a0c71b2d4", Day: day},
		{Headline: "扫码进群,每周一三五10点秒杀,鸡蛋9块9一板,限量200份先到先得哦!🎉",
			Store: "Carrefour 家乐福生鲜连锁超市股份有限公司北京市朝阳区建国门外大街一号国贸商城地下二层旗舰体验店(龘㼆𠮷)",
			Who:   "收银员 欧阳𠮷㼆龘·阿不都热依木·买买提😀👨‍👩‍👧", Place: "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUVWXYZ 负一层东门出口左手边第三个收银台旁边立柱",
			Code: "3f9a0c71b2d4", Content: "https://work.weixin.qq.com/gm/0123456789abcdef0123456789abcdef", Warning: "测试:此码只有本机能打开", Day: day},
		{Headline: "好", Store: "店", Code: "1", Content: "https://x.cn/q/1", Day: day},
	}
}
