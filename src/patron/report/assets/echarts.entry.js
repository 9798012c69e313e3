// Of Apache ECharts, what the page draws with; build.sh bundles it.
import { BarChart, HeatmapChart, LineChart } from "echarts/charts";
import {
  AriaComponent, GridComponent, LegendComponent, TooltipComponent, VisualMapContinuousComponent,
} from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";

use([
  AriaComponent, BarChart, GridComponent, HeatmapChart, LegendComponent, LineChart, SVGRenderer, TooltipComponent,
  VisualMapContinuousComponent,
]);
export { init };
