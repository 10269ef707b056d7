' What LibreOffice is told to do, in its own language: the module "Fax" of the profile that `profile` makes.

Option Explicit

Global document As Object

' Open a document by the filter for its kind: unseen, its macros off, nothing it links to fetched.
Function OpenAs(source As String, filter As String) As Boolean
  Dim wanted(4) As New com.sun.star.beans.PropertyValue
  wanted(0).Name = "FilterName"
  wanted(0).Value = filter
  wanted(1).Name = "Hidden"
  wanted(1).Value = True
  wanted(2).Name = "ReadOnly"
  wanted(2).Value = True
  wanted(3).Name = "MacroExecutionMode"
  wanted(3).Value = com.sun.star.document.MacroExecMode.NEVER_EXECUTE
  wanted(4).Name = "UpdateDocMode"
  wanted(4).Value = com.sun.star.document.UpdateDocMode.NO_UPDATE
  On Error GoTo Failed
  document = StarDesktop.loadComponentFromURL(source, "_blank", 0, wanted())
  OpenAs = Not IsNull(document)
  Exit Function
Failed:
  OpenAs = False
End Function

' Write the opened document as PDF.
Function SaveAs(target As String, filter As String) As Boolean
  Dim wanted(0) As New com.sun.star.beans.PropertyValue
  wanted(0).Name = "FilterName"
  wanted(0).Value = filter
  On Error GoTo Failed
  If document.supportsService("com.sun.star.sheet.SpreadsheetDocument") Then FitSheets
  document.storeToURL(target, wanted())
  SaveAs = True
  Exit Function
Failed:
  SaveAs = False
End Function

' Shrink sheets to the width of the page whose maker chose no scale, unless they would become illegible.
Sub FitSheets
  Dim styles As Object, sheet As Object, style As Object, used As Object
  Dim number As Long, width As Long
  styles = document.StyleFamilies.getByName("PageStyles")
  For number = 0 To document.Sheets.Count - 1
    sheet = document.Sheets.getByIndex(number)
    style = styles.getByName(sheet.PageStyle)
    used = sheet.createCursor()
    used.gotoEndOfUsedArea(False)
    width = style.Width - style.LeftMargin - style.RightMargin
    If style.PageScale = 100 And style.ScaleToPages = 0 And style.ScaleToPagesX = 0 _
        And used.Position.X + used.Size.Width <= 2 * width Then
      style.ScaleToPagesX = 1
      style.ScaleToPagesY = 0
    End If
  Next number
End Sub
