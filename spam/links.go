package spam

// hostKind is what the end of a host name tells.
type hostKind uint8

const (
	hostNone  hostKind = iota
	hostPlain          // com, cn …
	hostOdd            // endings that cost nothing and that shops do not have
)

func ending(s string) hostKind {
	switch s {
	case "com", "cn", "net", "org", "gov", "edu", "hk", "tw", "io", "app", "co", "tech", "store", "shop", "so":
		return hostPlain
	case "top", "vip", "xyz", "cc", "icu", "bet", "win", "fun", "site", "online", "club", "live", "lol", "tv", "me", "pw",
		"wang", "ink", "buzz", "cyou", "cfd", "sbs", "rest", "gg", "info", "link", "pro", "website", "work", "life", "ltd", "monster",
		"im", "ly", "gd", "tk", "ml", "cf", "ga", "gq", "biz", "mobi", "kim", "ws", "ru", "asia", "cloud", "nu", "gl", "mx", "mk":
		return hostOdd
	default:
		return hostNone
	}
}

// known are the hosts everybody links to: shops, maps, news, chat.
func known(s string) bool {
	switch s {
	case "taobao", "tmall", "jd", "qq", "weixin", "baidu", "163", "126", "sina", "weibo", "douyin", "iesdouyin", "kuaishou",
		"xiaohongshu", "xhslink", "bilibili", "meituan", "pinduoduo", "yangkeduo", "alipay", "ele", "dianping", "zhihu", "amap",
		"youku", "iqiyi", "toutiao", "1688", "suning", "vip", "ctrip", "12306", "gov", "edu", "sf-express", "cainiao", "kdocs",
		"wjx", "youzan", "weimob", "dewu", "goofish", "zcool", "apple", "github", "gaode", "sohu", "ifeng", "people", "xinhuanet",
		"tencent", "wechat", "douban", "netease", "mi", "huawei":
		return true
	default:
		return false
	}
}

// special says what a host is for, if it is one that is nobody's shop and known all the
// same, together with the start of the path where that decides.
func special(host, path string) signal {
	switch host {
	case "t.me", "bit.ly", "is.gd", "u.nu", "tinyurl.com", "goo.gl", "dwz.cn", "dwz.mk", "dwz.win", "suo.im", "suo.nz", "suo.yt", "sourl.cn",
		"c1ink.cn", "mrw.so", "rrd.me", "6du.in", "985.so", "reurl.cc", "t.ly", "cutt.ly", "rb.gy", "v.gd", "tny.im", "ow.ly", "mtw.so", "x0.nz",
		"telegram.me", "wa.me", "line.me", "potato.im", "dwz.date", "u3v.cn":
		return sigLink | sigOddLink // behind these anything may be
	case "t.cn", "url.cn", "b23.tv", "3.cn", "u.jd.com", "s.tb.cn", "m.tb.cn", "v.douyin.com", "xhslink.com", "dpurl.cn", "163cn.tv":
		return sigLink // shortened by those who show them: news, films, goods
	case "qm.qq.com", "jq.qq.com":
		return sigLink | sigGroup
	case "u.wechat.com":
		return sigLink | sigAdd
	case "weixin.qq.com":
		if path == "g" {
			return sigLink | sigGroup
		}
	case "work.weixin.qq.com":
		switch path {
		case "gm", "join":
			return sigLink | sigGroup
		case "ca", "kfid", "u":
			return sigLink | sigAdd
		}
	}
	return 0
}

// maxLabels is how many labels of a host name are read.
const maxLabels = 6

// findLink looks whether a host name starts with the run from up to to, and gives the unit
// where looking goes on.
func (rd *reading) findLink(from, to int) int {
	if from > 0 && rd.units[from-1].r == '@' {
		return to // a mail address
	}
	last, end, veiled := from, to, false
	for n := 1; n < maxLabels && end < len(rd.units); n++ {
		next, bad, ok := rd.afterDot(end)
		if !ok {
			break
		}
		stop := rd.runEnd(next)
		kind := ending(rd.run(next, stop))
		if kind != hostNone {
			if rd.dotted(stop) { // com.cn
				next, stop = stop, rd.runEnd(stop)
				kind = ending(rd.run(next, stop))
			}
			rd.addLink(from, last, end, next, stop, kind, veiled || bad)
			return stop
		}
		if bad {
			break
		}
		last, end = next, stop
	}
	return to
}

// afterDot is the unit after the dot at unit i; bad tells of a dot that is not one: 点, a
// Chinese full stop.
func (rd *reading) afterDot(i int) (next int, bad, ok bool) {
	u := &rd.units[i]
	switch {
	case u.r == '点' && i+1 < len(rd.units):
		return i + 1, true, isLatin(rd.units[i+1].r)
	case u.gap == gapDot:
		return i, false, isAlnum(u.r)
	case u.mark&markDot != 0 && u.gap < gapHard || u.gap == gapHard && u.mark&markColon == 0:
		return i, true, isAlnum(u.r)
	default:
		return i, false, false
	}
}

// dotted tells whether an ending of a host name comes right after the unit i.
func (rd *reading) dotted(i int) bool {
	return i < len(rd.units) && rd.units[i].gap == gapDot && ending(rd.run(i, rd.runEnd(i))) != hostNone
}

// addLink adds the link whose host starts at unit first and whose last label before the
// ending is from up to to.
func (rd *reading) addLink(first, from, to, next, stop int, kind hostKind, veiled bool) {
	if sigs := special(rd.host(first, stop), rd.path(stop)); sigs != 0 {
		rd.add(first, stop, sigs)
		return
	}
	if from = rd.hyphened(from); from > 0 && rd.units[from-1].r == '@' {
		return // a mail address
	}
	label := rd.run(from, to)
	letters, digits := rd.count(from, to)
	switch {
	case known(label) && !veiled:
	case to-from < 2 || letters == 0 && to-from < 3:
	case veiled && (letters == 0 || digits == 0) && rd.units[next-1].r != '点':
	case veiled || kind == hostOdd:
		rd.add(from, stop, sigLink|sigOddLink)
	default:
		rd.add(from, stop, sigLink)
	}
}

// host is the name from first up to stop, with its dots, at most 32 bytes of it.
func (rd *reading) host(first, stop int) string {
	var buf [32]byte
	b := buf[:0]
	for i := first; i < stop && len(b)+1 < len(buf); i++ {
		if u := &rd.units[i]; u.r == '点' {
			b = append(b, '.')
			continue
		} else if i > first && u.gap > gapHidden {
			b = append(b, '.')
		}
		b = append(b, byte(rd.units[i].r))
	}
	return string(b)
}

// path is the first piece of the path behind the host that ends at unit i.
func (rd *reading) path(i int) string {
	if i == len(rd.units) || rd.units[i].gap != gapSoft || !isAlnum(rd.units[i].r) || rd.text[rd.units[i-1].end] != '/' {
		return ""
	}
	return rd.run(i, rd.runEnd(i))
}

// hyphened is where the label starts whose last run starts at unit i: hot-deals.com.
func (rd *reading) hyphened(i int) int {
	for n := 0; n < maxLabels && i > 0 && isAlnum(rd.units[i-1].r) && rd.text[rd.units[i-1].end:rd.units[i].start] == "-"; n++ {
		for i--; i > 0 && isAlnum(rd.units[i-1].r) && rd.units[i].gap <= gapHidden; i-- {
		}
	}
	return i
}
