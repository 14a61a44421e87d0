package mapping
import ("testing";"os";"strings";"strconv";"fmt")
func TestZZ(t *testing.T){
 b,_:=os.ReadFile("/tmp/maplab/m4.out")
 for _,l:=range strings.Split(string(b),"\n"){
  if l=="" {continue}
  // python repr
  i:=strings.LastIndex(l,"' ok"); j:=strings.Index(l,"' ERR ")
  ok:= j<0
  if ok { j=i }
  if j<0 {fmt.Println("??",l);continue}
  s,err:=strconv.Unquote("\""+strings.ReplaceAll(l[1:j],"\"","\\\"")+"\"")
  if err!=nil {fmt.Println("??",l,err);continue}
  _,warn,err:=read(s,true)
  mark:="   "
  if (err==nil)!=ok {mark="DIFF"}
  fmt.Printf("%s %-70s httpd %-60s ours %v %v\n",mark,strings.ReplaceAll(s,"\n","|"),l[j+2:],err,warn)
 }
}
