package spam

import (
	"strings"
	"testing"
)

// harmlessLists are lists as members paste them.
func harmlessLists() []string {
	return []string{
		"接龙 草莓\n1. 张姐 2盒 13800001111\n2. 李哥 1盒 13900002222\n3. 3号楼 4盒",
		"接龙 车厘子 1.阿珍2斤 2.小李1斤 3.豆豆妈3斤 4.向阳 半斤",
		"接龙：1、阿珍 2、小李 3、王姐+1",
		"#接龙\n明早包子\n1⃣阿珍 2个\n2⃣小李 肉包3个\n3⃣7栋502 菜包1个",
		"1️⃣阿珍两份2️⃣小李一份3️⃣老王三份4️⃣王姐1份",
		"①阿珍2份②小李1份③老王3份",
		"1 阿珍 12-302 两箱\n2 小李 3-1101 一箱\n3 王姐 8-604 一箱 放驿站\n4 糖糖 自提",
		"1.阿珍\n2.小李\n3.王姐\n4.糖糖\n5.老陈",
		"周六亲子活动报名\n1、豆豆 妈妈带\n2、桃子 一大一小\n2、糖糖 一大两小\n3、安安",
		"阿珍 2盒\n小李 1盒\n王姐 3盒 送到门卫",
		"北门8812 三份\n南门2210 一份\nB座1903 两份",
		"大米接龙\n1.阿珍 10斤 139 0000 2222\n2.小李 20斤 微信付过了\n3.老陈 10斤 加我一个",
		"蓝莓+1\n草莓+2\n排骨+1",
		"【团购】鸡蛋30枚28.8元\n1. 3栋老陈 1板\n2. 阿珍 2板\n3. 5-1-701 1板\n4. 家薇 2板",
		"接龙\n1. 佳薇 2份\n2. 代志远 1份\n3. 嘉伟 3份\n4. 刷牙的小熊 1份",
		"1. 阿珍 手机13800001111 一份\n2. 小李 电话13900002222 两份\n3. 老王 15000003333 一份",
		strings.Repeat("1、阿珍 2份\n2、小李 1份\n3、老王 3份\n", 30),
	}
}

func TestAListIsNeverFlaggedForBeingOne(t *testing.T) {
	d := New()
	for _, text := range harmlessLists() {
		if sigs := tokensOf(t, d, text); sigs&sigOrderList == 0 {
			t.Errorf("%q is not read as a list", text)
		}
		for name, list := range map[string]string{"as it is": text, "on one line": strings.ReplaceAll(text, "\n", " "), "in traditional": traditional(text), "full-width": wide(text)} {
			if v := d.Check(list); v.Verdict != Ham {
				t.Errorf("%s: %q is %s (%.2f): %+v", name, list, v.Verdict, v.Score, v.Reasons)
			}
		}
	}
}

func TestAnAdvertisementInsideAListIsOne(t *testing.T) {
	d := New()
	for _, advert := range []string{
		"招兼职刷单日结300加V abc12345", "百家乐注册送88元 加薇abc12345", "无抵押秒下款 微信abc12345", "代开发票 加扣扣778899001",
		"看片进群 http://abcd.top", "手机兼职 日结200 加微abc12345",
	} {
		for _, list := range []string{
			"接龙 草莓\n1. 张姐 2盒\n2. 李哥 1盒\n3. # \n4. 老王 1盒", "1、阿珍 2份\n2、小李 1份\n3、#\n4、老王 3份", "接龙 1.阿珍2斤 2.小李1斤 3.# 4.老王1斤",
			"1⃣阿珍 2份\n2⃣ #\n3⃣小李 1份\n4⃣老王 1份",
		} {
			text := strings.ReplaceAll(list, "#", advert)
			v := d.Check(text)
			if v.Verdict == Ham {
				t.Errorf("%q is ham (%.2f): %+v", text, v.Score, v.Reasons)
			}
		}
	}
}

func TestNumbersAloneMakeNoList(t *testing.T) {
	d := New()
	for _, text := range []string{
		"1.全程在手机上操作不用出门也不用押金 2.每天只要有空的时候做一两个小时就好 3.做完之后当天就可以把钱提到自己卡里",
		"9:30 到 10:20", "3.14 和 2.71", "买1送1，满2减3", "1,2,3,4,5,6,7 上山打老虎", "今天12号，明天13号，后天14号",
		"版本1.2.3和1.2.4", "2份", "阿珍 2份\n小李 1份",
	} {
		if sigs := tokensOf(t, d, text); sigs&sigOrderList != 0 {
			t.Errorf("%q is read as a list", text)
		}
	}
}
